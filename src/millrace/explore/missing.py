"""Which columns are missing together: the patterns of absence, most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from millrace.evaluate.charts.figure import ACCENT, LINE, MUTED, Figure, records

#: So many columns and patterns are drawn, those with most missing first.
_COLUMNS = 20
_PATTERNS = 10


@dataclass(frozen=True, slots=True)
class Pattern:
    """`rows` rows miss just these `columns`; of a whole row, none."""

    columns: tuple[str, ...]
    rows: int


def patterns(frame: pl.DataFrame) -> tuple[Pattern, ...]:
    """Every pattern of missing values that rows have, most frequent first; NaN is missing too.

    Examples
    --------
    >>> patterns(pl.DataFrame({"a": [1, None, None], "b": [1, 2, None]}))[0].rows
    1
    >>> [one.columns for one in patterns(pl.DataFrame({"a": [1, None, None], "b": [1, 2, 3]}))]
    [('a',), ()]
    """
    missing = [name for name in frame.columns if _absent(frame[name]).any()]
    if not missing:
        return (Pattern((), frame.height),) if frame.height else ()
    marks = frame.select(_absent(frame[name]).alias(name) for name in missing)
    counted = marks.group_by(missing).len(name="rows_").sort(["rows_", *missing], descending=True)
    return tuple(
        Pattern(tuple(name for name, absent in zip(missing, marks, strict=True) if absent), rows)
        for *marks, rows in counted.iter_rows()
    )


def together(found: Sequence[Pattern]) -> Figure | None:
    """The most frequent patterns as a matrix: a row for each, a mark where a column is missing; None without any."""
    import altair as alt

    shares: dict[str, int] = {}
    for pattern in found:
        for name in pattern.columns:
            shares[name] = shares.get(name, 0) + pattern.rows
    if not shares:
        return None
    total = sum(pattern.rows for pattern in found)
    names = sorted(shares, key=lambda name: -shares[name])[:_COLUMNS]
    shown = found[:_PATTERNS]
    labels = [f"{i + 1}. {pattern.rows:,} rows" for i, pattern in enumerate(shown)]
    cells = [(labels[i], name, name in pattern.columns) for i, pattern in enumerate(shown) for name in names]
    data = records(y=[c[0] for c in cells], x=[c[1] for c in cells], of=["missing" if c[2] else "there" for c in cells])
    scale = alt.Scale(domain=["missing", "there"], range=[ACCENT, LINE])
    gap = alt.Scale(padding=0.12)
    across = alt.X("x:N", sort=names, scale=gap, axis=alt.Axis(title=None, labelAngle=-60, labelLimit=90))
    down = alt.Y("y:N", sort=labels, scale=gap, axis=alt.Axis(title=None, labelLimit=130, labelColor=MUTED))
    colour = alt.Color("of:N", scale=scale, legend=alt.Legend(columns=2))
    chart = alt.Chart(data).mark_rect(cornerRadius=2).encode(x=across, y=down, color=colour)
    whole = sum(pattern.rows for pattern in found if not pattern.columns)
    caption = f"{whole:,} of {total:,} rows are whole; {len(found) - bool(whole):,} patterns of absence were found."
    rows = [(", ".join(p.columns) or "none", f"{p.rows:,}", f"{p.rows / total:.1%}") for p in shown]
    return Figure("missing", "What is missing together", caption, chart, ("missing columns", "rows", "share"), rows)


def _absent(series: pl.Series) -> pl.Series:
    return series.is_null() | series.is_nan().fill_null(value=True) if series.dtype.is_float() else series.is_null()
