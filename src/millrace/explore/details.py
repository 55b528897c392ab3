"""The sections of the page that tell of single columns and rows in tables: outliers, texts, dates, duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from millrace.evaluate.page import table
from millrace.explore.columns import Column, as_numbers, as_value
from millrace.explore.texts import texts

OUTLIERS = (
    "Values more than three interquartile ranges beyond the quartiles (Tukey 1977). Far is not wrong: look at them."
)
_SHOWN = 4
_CATEGORIES = 12
_REPEATS = 5
_CELL = 40


def outliers(frame: pl.DataFrame, columns: Sequence[Column]) -> str:
    """Each column with values far from the others: how many, beyond what, and the farthest."""
    rows = []
    for column in sorted(columns, key=lambda one: -one.far):
        if not column.far or column.quartiles is None:
            continue
        first, third = column.quartiles
        reach = 3 * (third - first)
        values = as_numbers(frame[column.name])
        far = np.unique(values[(values < first - reach) | (values > third + reach)])
        far = far[np.argsort(-np.abs(far - (first + third) / 2))][:_SHOWN]
        inside = f"{as_value(column, first - reach)} to {as_value(column, third + reach)}"
        share = f"{column.far / max(column.rows - column.missing, 1):.2%}"
        rows.append((f"`{column.name}`", f"{column.far:,}", share, inside, ", ".join(as_value(column, v) for v in far)))
    heads = ("column", "far", "share", "the others lie within", "farthest")
    return table(heads, rows, numbers=frozenset({1, 2})) if rows else ""


def written(frame: pl.DataFrame, columns: Sequence[Column]) -> str:
    """Each column of texts that are more than a few categories: lengths, frequent words, shapes."""
    rows = []
    for column in columns:
        if frame[column.name].dtype != pl.String or column.distinct <= _CATEGORIES:
            continue
        if (found := texts(frame[column.name])) is None:
            continue
        blank = f", {found.empty:,} blank" if found.empty else ""
        rows.append(
            (
                f"`{column.name}`",
                f"{found.shortest:,} to {found.longest:,}, half up to {found.middle:,}{blank}",
                f"{column.distinct / max(column.rows - column.missing, 1):.0%}",
                _shares(found.words),
                _shares(found.shapes, mark="`"),
            )
        )
    heads = ("column", "letters", "different", "words", "shapes")
    return table(heads, rows, numbers=frozenset({2})) if rows else ""


def dated(frame: pl.DataFrame, columns: Sequence[Column]) -> str:
    """Each column of dates: from when to when, the longest gap, the busiest day of the week."""
    rows = []
    for column in columns:
        if column.kind != "date" or column.low is None or column.high is None:
            continue
        days = frame[column.name].drop_nulls()
        if days.dtype not in (pl.Date, pl.Datetime):
            continue
        each = days.cast(pl.Date).unique().sort()
        gaps = each.diff().dt.total_days().fill_null(0).to_numpy()
        longest = int(gaps.max())
        after = f" after {each[int(gaps.argmax()) - 1]}" if longest > 1 else ""
        weekday = days.dt.to_string("%A").value_counts(name="rows").sort("rows", descending=True).row(0)
        rows.append(
            (
                f"`{column.name}`",
                f"{as_value(column, column.low)} to {as_value(column, column.high)}",
                f"{len(each):,}",
                f"{longest:,} days{after}" if longest != 1 else "1 day",
                f"{weekday[0]} ({weekday[1] / len(days):.0%})",
            )
        )
    heads = ("column", "range", "different days", "longest gap", "most frequent weekday")
    return table(heads, rows, numbers=frozenset({2})) if rows else ""


def duplicates(frame: pl.DataFrame, repeated: int) -> str:
    """The rows that are there most often, where any is there twice."""
    if not repeated:
        return ""
    counted = frame.group_by(frame.columns).len(name="times_").filter(pl.col("times_") > 1)
    most = counted.sort("times_", descending=True).head(_REPEATS)
    shown = frame.columns[:6]
    rows = [
        (f"{row['times_']:,} times", *(str(row[name])[:_CELL] if row[name] is not None else "" for name in shown))
        for row in most.iter_rows(named=True)
    ]
    said = f"{counted.height:,} rows are there more than once; the most frequent, in their first columns."
    return table(("how often", *shown), rows, caption=said)


def _shares(found: Sequence[tuple[str, float]], mark: str = "") -> str:
    return ", ".join(f"{mark}{value[:_CELL].replace('`', ' ')}{mark} {share:.0%}" for value, share in found)
