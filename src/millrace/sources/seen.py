"""Which records a reading has delivered, so that none is delivered twice however pages shift.

A record is known by a 64-bit hash (BLAKE2b) of its cursor and key; one that has no key, by its whole content. Among a
million records, two share a hash with a probability of 3e-8.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

#: Records that are remembered at most: a position then has 11 MB.
MOST_SEEN = 1_000_000
_SIZE = 8
_ENCODER = msgspec.json.Encoder(enc_hook=str, order="sorted")


def identity(values: Sequence[Any], record: Any) -> bytes:
    """The hash that knows a record: of its identifying `values`, or of all of it where one of them is absent.

    Examples
    --------
    >>> identity([7], {"id": 7, "x": 1}) == identity([7], {"id": 7, "x": 2})
    True
    >>> identity([None], {"id": None, "x": 1}) == identity([None], {"id": None, "x": 2})
    False
    """
    # An object, so that the record 7 and the record with the key 7 are two.
    known = {"record": record} if any(value is None for value in values) else list(values)
    return blake2b(_ENCODER.encode(known), digest_size=_SIZE).digest()


def packed(hashes: Iterable[bytes]) -> str:
    """Hashes as text for a position."""
    return base64.b64encode(b"".join(hashes)).decode()


def unpacked(text: str) -> list[bytes]:
    """The hashes in such a text."""
    joined = base64.b64decode(text)
    return [joined[start : start + _SIZE] for start in range(0, len(joined), _SIZE)]
