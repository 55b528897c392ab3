"""Tensors of the Open Inference Protocol as bytes: raw contents of gRPC, and binary data of its HTTP extension.

Numbers are little-endian; an element of BYTES is its length as uint32, then its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from millrace.errors import RequestError

#: The NumPy type of each datatype of fixed width.
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "?", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
        "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
    }
)  # fmt: skip


def unpacked(raw: bytes, datatype: str, name: str) -> np.ndarray | list[str]:
    """The values of a tensor, flat. Raises `RequestError` when the bytes are not of that datatype."""
    if datatype == "BYTES":
        return _texts(raw, name)
    if datatype not in TYPES:
        raise _unfit(f"Its datatype is {datatype}.", name, [*TYPES, "BYTES"])
    kind = np.dtype(TYPES[datatype])
    if len(raw) % kind.itemsize:
        raise _unfit(f"It has {len(raw)} bytes.", name, [f"a multiple of {kind.itemsize} bytes for {datatype}"])
    return np.frombuffer(raw, kind)


def packed(values: Sequence[Any], datatype: str) -> bytes:
    r"""The bytes of a tensor's values.

    Examples
    --------
    >>> packed(["é"], "BYTES"), packed([1.5], "FP32")
    (b'\x02\x00\x00\x00\xc3\xa9', b'\x00\x00\xc0?')
    """
    if datatype != "BYTES":
        return np.asarray(values, TYPES[datatype]).tobytes()
    texts = [str(value).encode() for value in values]
    return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))


def _texts(raw: bytes, name: str) -> list[str]:
    found, at = [], 0
    try:
        while at < len(raw):
            (length,) = struct.unpack_from("<I", raw, at)
            if at + 4 + length > len(raw):
                raise _unfit("Its last text is cut off.", name, ["a length of 4 bytes, then so many bytes, for each"])
            found.append(raw[at + 4 : at + 4 + length].decode())
            at += 4 + length
    except (struct.error, UnicodeDecodeError) as error:
        raise _unfit(f"Its texts cannot be read: {error}.", name, ["UTF-8, each after its length"]) from None
    return found


def _unfit(seen: str, name: str, allowed: Sequence[str]) -> RequestError:
    return RequestError(seen, code="request.tensor", field=name, allowed=allowed)
