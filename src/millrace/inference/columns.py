"""How rows from anywhere become the two matrices a package's graph takes.

What is accepted, field by field; everything else raises `RequestError` with row, field, what was seen, what is allowed:

========  =========================================================================================================
number    a finite number (not a text, not true/false)
integer   a whole number, also written as 3.0
boolean   true, false, 0 or 1
date      an ISO 8601 date, ``2026-05-17`` → days since 1970-01-01
datetime  an ISO 8601 date and time, UTC unless it names an offset → seconds since 1970-01-01
category  a text; true, 7 and 7.0 are taken as their texts ``true``, ``7``, ``7``
text      a text, of which the model sees the words in lower case (`inference.words`)
========  =========================================================================================================

An absent field, null, NaN and the empty text mean "missing": NaN or the empty text, or an error where the signature
says the field is required. Fields the signature does not name are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from millrace.errors import RequestError
from millrace.inference.words import plain_words
from millrace.records.signature import Field, FieldType, Signature

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()

ALLOWED: Mapping[FieldType, str] = {
    "number": "a finite number",
    "integer": "a whole number",
    "boolean": "true, false, 0 or 1",
    "date": "an ISO 8601 date such as 2026-05-17",
    "datetime": "an ISO 8601 date and time such as 2026-05-17T08:30:00Z",
    "category": "a text",
    "text": "a text",
}
#: The Python type of each kind of field that enters a matrix as it is.
_AS_IS: Mapping[FieldType, type] = {"number": float, "category": str}


class Reader:
    """Reads rows or columns by one signature; made once, used for every request.

    Examples
    --------
    >>> fields = (Field("age", "number"), Field("plan", "category"))
    >>> reader = Reader(Signature("regression", "price", fields))
    >>> numbers, texts = reader.from_rows([{"age": 41, "plan": "gold"}, {}])
    >>> numbers.tolist(), texts.tolist()
    ([[41.0], [nan]], [['gold'], ['']])
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.names = frozenset(field.name for field in signature.inputs)
        self._fields = signature.inputs
        self._numbers = tuple(_plan(field) for field in signature.numbers)
        self._texts = tuple(_plan(field) for field in signature.texts)

    def from_rows(self, rows: Sequence[Mapping[str, object]]) -> tuple[np.ndarray, np.ndarray]:
        """Matrices ``numbers`` float64 ``[rows, numeric fields]`` and ``texts`` object ``[rows, other fields]``.

        Raises `RequestError` at the first value that does not fit.
        """
        numbers = np.empty((len(rows), len(self._numbers)), dtype=np.float64)
        texts = np.empty((len(rows), len(self._texts)), dtype=object)
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise RequestError(
                    f"A row is {_show(row)}.", code="request.row", row=index, allowed=["an object of field: value"]
                )
            if self._numbers:
                numbers[index] = _values(self._numbers, row, index)
            if self._texts:
                texts[index] = _values(self._texts, row, index)
        return numbers, texts

    def from_columns(self, columns: Mapping[str, Sequence[object] | np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The same matrices from one sequence per field; floating, whole and datetime64 arrays are taken whole."""
        lengths = {name: len(values) for name, values in columns.items()}
        rows = max(lengths.values(), default=0)
        ragged = next((name for name, length in lengths.items() if length != rows), None)
        if ragged is not None:
            raise RequestError(
                f"It has {lengths[ragged]} values where another field has {rows}.",
                code="request.length",
                field=ragged,
                allowed=[f"{rows} values"],
            )
        numbers = np.full((rows, len(self._numbers)), np.nan)
        texts = np.full((rows, len(self._texts)), "", dtype=object)
        for matrix, plan in ((numbers, self._numbers), (texts, self._texts)):
            for position, (name, _, convert) in enumerate(plan):
                matrix[:, position] = _column(columns.get(name), rows, self._field(name), convert)
        return numbers, texts

    def surplus(self, rows: Sequence[Mapping[str, object]]) -> int:
        """How many fields of `rows` the signature does not name."""
        return sum(len(row.keys() - self.names) for row in rows if not row.keys() <= self.names)

    def _field(self, name: str) -> Field:
        return next(field for field in self._fields if field.name == name)


def from_rows(signature: Signature, rows: Sequence[Mapping[str, object]]) -> tuple[np.ndarray, np.ndarray]:
    """`Reader.from_rows` for a single use."""
    return Reader(signature).from_rows(rows)


def from_columns(
    signature: Signature, columns: Mapping[str, Sequence[object] | np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """`Reader.from_columns` for a single use.

    Examples
    --------
    >>> signature = Signature("regression", "price", (Field("built", "date"),))
    >>> from_columns(signature, {"built": ["1970-01-03", None]})[0].tolist()
    [[2.0], [nan]]
    """
    return Reader(signature).from_columns(columns)


_Convert = Callable[[object, int], object]
_Plan = tuple[str, type | None, _Convert]


def _plan(field: Field) -> _Plan:
    """A field's name, the type that needs no conversion, and the conversion of everything else."""
    convert = _CONVERSIONS[field.type]
    absent: object = math.nan if field.numeric else ""

    def checked(value: object, row: int) -> object:
        if value is None or value == "" or value != value:  # noqa: PLR0124 - NaN alone differs from itself
            if field.required:
                raise RequestError(
                    "It is missing, and the model needs it.",
                    code="request.missing",
                    row=row,
                    field=field.name,
                    allowed=[ALLOWED[field.type]],
                )
            return absent
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError):
            raise RequestError(
                f"It is {_show(value)}.",
                code="request.type",
                row=row,
                field=field.name,
                allowed=[ALLOWED[field.type]],
            ) from None

    return field.name, None if field.required else _AS_IS.get(field.type), checked


def _values(plan: Sequence[_Plan], row: Mapping[str, object], index: int) -> list[Any]:
    """The values of one row; those already of the final type skip the conversion, which is most of the time."""
    values: list[Any] = []
    for name, as_is, convert in plan:
        value = row.get(name)
        if type(value) is not as_is or value in _INFINITE:
            value = convert(value, index)
        values.append(value)
    return values


def _column(values: object, rows: int, field: Field, convert: _Convert) -> object:
    if values is None:
        values = [None] * rows
    if isinstance(values, np.ndarray) and field.numeric and not field.required:
        kind = values.dtype.kind
        if kind == "M" and field.type in {"date", "datetime"}:
            unit, step = ("D", 1.0) if field.type == "date" else ("us", 1e6)
            whole = values.astype(f"datetime64[{unit}]")
            return np.where(np.isnat(whole), np.nan, whole.astype(np.int64) / step)
        if (kind in "iu" and field.type in {"number", "integer"}) or (kind == "b" and field.type == "boolean"):
            return values.astype(np.float64)
        if kind == "f" and field.type == "number" and not np.isinf(values).any():
            return values.astype(np.float64)
    items = values.tolist() if isinstance(values, np.ndarray) else values
    return [convert(value, row) for row, value in enumerate(items)]  # type: ignore[arg-type]


_INFINITE = frozenset({math.inf, -math.inf})


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError
    number = float(value)
    if math.isinf(number):
        raise ValueError
    return number


def _integer(value: object) -> float:
    number = _number(value)
    if not number.is_integer():
        raise ValueError
    return number


def _boolean(value: object) -> float:
    if isinstance(value, bool | np.bool_):
        return float(value)
    number = _number(value)
    if number not in {0.0, 1.0}:
        raise ValueError
    return number


def _date(value: object) -> float:
    if isinstance(value, str):
        value = date.fromisoformat(value)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError
    return float(value.toordinal() - _EPOCH_DAY)


def _datetime(value: object) -> float:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise TypeError
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH).total_seconds()


def text_of(value: object) -> str:
    """The text of a category or class, whatever it was written as. Raises TypeError for lists and objects.

    Examples
    --------
    >>> [text_of(value) for value in ("gold", True, 7, 7.0, 7.5)]
    ['gold', 'true', '7', '7', '7.5']
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    number = _number(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    return str(int(number)) if number.is_integer() else repr(number)


_CONVERSIONS: Mapping[FieldType, Callable[[object], object]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "category": text_of,
    "text": lambda value: plain_words(text_of(value)),
}


def conversion(kind: FieldType) -> Callable[[object], object]:
    """What brings a value that is there to its matrix; raises TypeError or ValueError for one that does not fit."""
    return _CONVERSIONS[kind]


def _show(value: object) -> str:
    """A value as a user wrote it, cut short."""
    names = {str: "the text", bool: "the boolean", int: "the number", float: "the number", list: "a list"}
    names |= {dict: "an object", type(None): "null"}
    kind = names.get(type(value), f"a {type(value).__name__}")
    if isinstance(value, list | dict | None):
        return kind
    text = str(value)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"
