"""Rows straight from JSON bytes to matrices, for requests whose every value is what the signature says.

A decoder made for the signature checks names and types while it reads. Whatever it does not take at once, such as an
unknown field, 3.0 for an integer or a value that is wrong, is left to `inference.columns.Reader`, which reads it or
says what is the matter. So the answers are the same, only sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import numpy as np

from millrace.inference.columns import conversion
from millrace.records.signature import Field, FieldType, Signature

_TYPES: Mapping[FieldType, type] = {"number": float, "integer": int, "boolean": bool}
_ROWS = b'{"rows"'
_AT_ONCE = 256
_NO_TEXTS = np.empty((1, 0), dtype=object)


class Direct:
    """Reads bodies by one signature; made once, used for every request.

    Examples
    --------
    >>> direct = Direct(Signature("regression", "price", (Field("age", "number"), Field("plan", "category"))))
    >>> numbers, texts = direct.read(b'{"age": 41, "plan": null}')
    >>> numbers.tolist(), texts.tolist()
    ([[41.0]], [['']])
    >>> direct.read(b'{"age": "41"}') is None
    True
    """

    def __init__(self, signature: Signature) -> None:
        # The fields of the matrix of numbers come first, so that a row's values are cut in two.
        fields = (*signature.numbers, *signature.texts)
        row: Any = msgspec.defstruct("Row", [_field(*one) for one in enumerate(fields)], kw_only=True, **_STRICT)
        rows: Any = msgspec.defstruct("Rows", [("rows", list[row])], **_STRICT)
        self._one = msgspec.json.Decoder(row).decode
        self._list = msgspec.json.Decoder(list[row]).decode
        self._rows = msgspec.json.Decoder(rows).decode
        self._numbers, self._width = len(signature.numbers), len(fields)
        self._converted = [
            (place, conversion(field.type)) for place, field in enumerate(fields) if field.type not in _AS_THEY_COME
        ]

    def read(self, body: bytes) -> tuple[np.ndarray, np.ndarray] | None:
        """The matrices of `Reader.from_rows` for one row, a list, or ``{"rows": […]}``; None for anything unusual."""
        rows = self.rows(body)
        return None if rows is None else self.matrices(rows)

    def rows(self, body: bytes) -> list[tuple[Any, ...]] | None:
        """The rows of a body, each with its numbers first, None where one is missing; None for anything unusual."""
        try:
            if body.startswith(_ROWS):
                found = self._rows(body).rows
            else:
                found = self._list(body) if body[:1] == b"[" else [self._one(body)]
            rows = [msgspec.structs.astuple(row) for row in found]
            return [self._with_conversions(row) for row in rows] if self._converted else rows
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError, OverflowError):
            return None

    def matrices(self, rows: list[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray] | None:
        """The matrices of what `rows` gave; None where a whole number is too large to be a float."""
        try:
            return self._matrices(rows)
        except (ValueError, TypeError, OverflowError):
            return None

    def _matrices(self, rows: list[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray]:
        split, width = self._numbers, self._width - self._numbers
        if len(rows) == 1 and not width:
            return np.array(rows, dtype=np.float64), _NO_TEXTS
        numbers = np.empty((len(rows), split), dtype=np.float64)
        texts = np.empty((len(rows), width), dtype=object)
        # Some rows at a time: whoever waits for the interpreter gets it in between.
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            if split:
                numbers[start : start + _AT_ONCE] = [row[:split] for row in part]
            if width:
                texts[start : start + _AT_ONCE] = [[text or "" for text in row[split:]] for row in part]
        return numbers, texts

    def _with_conversions(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, convert in self._converted:
            if values[place]:
                values[place] = convert(values[place])
            elif place < self._numbers:
                values[place] = None  # an empty text is no date
        return tuple(values)


_STRICT: dict[str, Any] = {"forbid_unknown_fields": True, "frozen": True, "gc": False}
_AS_THEY_COME = frozenset(("number", "integer", "boolean", "category"))

_Convert = Callable[[object], object]


def _field(position: int, field: Field) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind: Any = _TYPES.get(field.type, str)
    name = f"f{position}"
    if field.required:
        kind = Annotated[str, msgspec.Meta(min_length=1)] if kind is str else kind
        return name, kind, msgspec.field(name=field.name)
    return name, kind | None, msgspec.field(name=field.name, default=None)
