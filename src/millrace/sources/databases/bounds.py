"""Which rows of an ordered table a query asks for, as an SQL condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which rows: those behind `after`, not behind `until`, with at least `least` as first value; all optional."""

    after: tuple[Any, ...] | None = None
    until: tuple[Any, ...] | None = None
    least: Any = None


def bound(values: list[Any], mark: Any) -> Any:
    """A function that keeps a value in `values` and gives the mark that stands for it."""

    def bind(value: Any) -> str:
        values.append(value)
        return str(mark(len(values) - 1))

    return bind


def within_sql(columns: Sequence[str], bounds: Bounds, literal: Any, *, rows: bool = False) -> str:
    """The condition that a row of `columns` lies within `bounds`; `literal` writes a value.

    With `rows` the database is asked to compare rows, ``(a, b) > (x, y)``, and not with the spelt-out condition. Where
    an index holds the columns in this order, each database goes straight to the place by one of the two, and by the
    other through all rows that share the first value.
    """
    parts = ["1 = 1"]
    if bounds.least is not None:
        parts.append(f"{columns[0]} >= {literal(bounds.least)}")
    if bounds.after is not None:
        parts += _beyond(columns, bounds.after, literal, ">", rows=rows)
    if bounds.until is not None:
        parts += _beyond(columns, bounds.until, literal, "<=", rows=rows)
    return " and ".join(parts)


def _beyond(columns: Sequence[str], values: Sequence[Any], literal: Any, sign: str, *, rows: bool) -> list[str]:
    if rows and len(columns) > 1:
        return [f"({', '.join(columns)}) {sign} ({', '.join(map(literal, values))})"]
    behind = _behind(columns, values, literal)
    return [behind] if sign == ">" else [f"{columns[0]} <= {literal(values[0])}", f"not {behind}"]


def _behind(columns: Sequence[str], values: Sequence[Any], literal: Any) -> str:
    """Lexicographic `columns > values`, spelt out."""
    if len(columns) == 1:
        return f"({columns[0]} > {literal(values[0])})"
    first = f"{columns[0]} > {literal(values[0])}"
    return f"({first} or ({columns[0]} = {literal(values[0])} and {_behind(columns[1:], values[1:], literal)}))"


def literal_sql(sql: str) -> str:
    """`sql` with its colons kept from being read as parameters."""
    return sql.replace(":", "\\:")
