"""Which types the Python values of a database driver have, which do not fit, and how JSON holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from millrace.config.schema import ColumnType
from millrace.sources.base import misfits
from millrace.sources.column_types import DTYPES

_POLARS: tuple[tuple[type, ColumnType], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (Decimal, "number"),
    (datetime, "datetime"),
    (date, "date"),
)


_BSON: Mapping[str, str] = {"ObjectId": "objectid", "Decimal128": "decimal128"}


def framed(kinds: Mapping[str, ColumnType], rows: Sequence[Sequence[Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows as typed columns, and the values that do not fit, as a batch has them."""
    odd: list[tuple[int, str, str]] = []
    columns: dict[str, list[Any]] = {}
    for at, (name, kind) in enumerate(kinds.items()):
        columns[name] = values = []
        for ordinal, row in enumerate(rows):
            fits, value = _fitted(row[at], kind)
            values.append(value)
            if not fits:
                odd.append((ordinal, name, _fitted(row[at], "text")[1]))
    return pl.DataFrame(columns, schema={name: DTYPES[kind] for name, kind in kinds.items()}), misfits(odd)


def _fitted(value: Any, kind: ColumnType) -> tuple[bool, Any]:
    """Whether `value` is of `kind`, and how it is then held."""
    if value is None:
        return True, None
    if kind == "text":
        return True, value.hex() if isinstance(value, bytes) else str(value)
    if kind == "number" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return True, float(value)
    if kind == "boolean" and value in (0, 1) and isinstance(value, int):
        return True, bool(value)
    if kind == "datetime" and isinstance(value, datetime):
        return True, value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    fits = (kind == "integer" and type(value) is int and -(2**63) <= value < 2**63) or (
        kind == "date" and type(value) is date
    )
    return fits, value if fits else None


def kind_of(values: Iterable[Any]) -> ColumnType:
    """The narrowest type that holds all `values`; text when they have nothing in common."""
    kinds = {_kind_of_one(value) for value in values if value is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "text"


def _kind_of_one(value: Any) -> ColumnType:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "text"
    return next((kind for python, kind in _POLARS if isinstance(value, python)), "text")


def packed(value: Any) -> Any:
    """A value of a database as JSON holds it in a position.

    Examples
    --------
    >>> packed(Decimal("1.50")), unpacked(packed(Decimal("1.50")))
    ({'decimal': '1.50'}, Decimal('1.50'))
    """
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return _bson_packed(value)


def _bson_packed(value: Any) -> Any:
    """The same for the values that only MongoDB has."""
    kind = type(value).__name__
    return {_BSON[kind]: str(value)} if kind in _BSON else int(value) if kind == "Int64" else value


def unpacked(value: Any) -> Any:
    """The value that `packed` stands for."""
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: Mapping[str, Callable[[str], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "decimal": Decimal,
        "bytes": bytes.fromhex,
        "objectid": lambda text: _bson("ObjectId", text),
        "decimal128": lambda text: _bson("Decimal128", text),
    }
    return readers[kind](text)


def _bson(name: str, text: str) -> Any:
    import bson

    return getattr(bson, name)(text)
