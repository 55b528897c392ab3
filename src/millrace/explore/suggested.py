"""The checks that the rows suggest and the project file does not have yet: those that `millrace init` proposes."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from millrace.config.schema import ColumnType
from millrace.evaluate.page import table
from millrace.sources.proposing.checks import Proposed, proposed_checks
from millrace.sources.proposing.survey import survey

NOTE = "What held for every row looked at, as `millrace init` proposes it; write into `checks` what is meant to hold."
#: Rows that are looked at; of more, sets of allowed values are not suggested.
_ROWS = 200_000


def suggested(frame: pl.DataFrame, target: str | None, known: Collection[str] = ()) -> tuple[Proposed, ...]:
    """Checks that hold for these rows, without those whose SQL is `known`.

    Examples
    --------
    >>> frame = pl.DataFrame({"tenure": list(range(30)), "plan": ["basic", "plus"] * 15})
    >>> [check.sql for check in suggested(frame, None, known=["tenure >= 0"])]
    ["plan in ('basic', 'plus')"]
    """
    rows = frame.sample(_ROWS, seed=0) if frame.height > _ROWS else frame
    schema = {name: kind for name, dtype in frame.schema.items() if (kind := _kind(dtype))}
    found = survey(rows, schema, 0, whole=rows.height == frame.height)
    goal = next((column for column in found.columns if column.name == target), None)
    known_texts = {_plain(sql) for sql in known}
    return tuple(check for check in proposed_checks(found, goal, None) if _plain(check.sql) not in known_texts)


def as_table(checks: Collection[Proposed]) -> str:
    """The checks with what suggests them."""
    rows = [(f"`{check.name}`", f"`{check.sql}`", check.evidence) for check in checks]
    return table(("check", "what must hold", "what was found"), rows) if rows else ""


def _plain(sql: str) -> str:
    return " ".join(sql.casefold().split())


def _kind(dtype: pl.DataType) -> ColumnType | None:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype == pl.String:
        return "text"
    if isinstance(dtype, pl.Datetime):
        return "datetime"
    return "date" if dtype == pl.Date else "boolean" if dtype == pl.Boolean else None
