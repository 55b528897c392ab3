"""What one column holds, in figures that a page can show; computed by Polars over all rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl

Kind = Literal["number", "category", "text", "date"]

#: A text column with more different values than this, most of them unique, is free text.
_CATEGORIES = 50
_TOP = 10
_BINS = 24
#: A value this many interquartile ranges beyond the quartiles is far out (Tukey 1977).
_FAR = 3.0


@dataclass(frozen=True, slots=True)
class Column:
    """The facts of one column.

    `low`, `high`, `middle` and `quartiles` are in the column's unit (days since 1970 for dates); `far` counts values
    beyond three interquartile ranges from the quartiles; `top` are the most frequent values with their counts.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    low: float | None = None
    high: float | None = None
    middle: float | None = None
    quartiles: tuple[float, float] | None = None
    far: int = 0
    top: tuple[tuple[str, int], ...] = ()

    @property
    def constant(self) -> bool:
        """Whether every value present is the same."""
        return self.distinct <= 1

    @property
    def share_missing(self) -> float:
        """Between 0 and 1."""
        return self.missing / self.rows if self.rows else 0.0


def summarise(frame: pl.DataFrame) -> tuple[Column, ...]:
    """The facts of every column that holds single values, in the frame's order.

    Examples
    --------
    >>> summarise(pl.DataFrame({"age": [1.5, 2.5, 4.0, None]}))[0].middle
    2.5
    """
    return tuple(_summary(series, kind) for series in frame.get_columns() if (kind := _kind(series)))


def as_value(column: Column, value: float) -> str:
    """A value of a column as people write it: a date for a date.

    Examples
    --------
    >>> as_value(Column("born", "date", 1, 0, 1), 19723.0), as_value(Column("size", "number", 1, 0, 1), 1234.56)
    ('2024-01-01', '1,235')
    """
    if column.kind == "date":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value)
        return f"{moment:%Y-%m-%d}" if value == int(value) else f"{moment:%Y-%m-%d %H:%M}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def as_numbers(series: pl.Series) -> np.ndarray:
    """Values as float64 [rows], missing as NaN; dates as days since 1970."""
    if series.dtype.is_temporal():
        series = series.cast(pl.Datetime("us")).cast(pl.Int64) / 86_400_000_000
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def as_texts(series: pl.Series) -> pl.Series:
    """Values as String, missing as null."""
    return series.cast(pl.String)


def edges(column: Column) -> np.ndarray:
    """Bin edges float64 [bins + 1] for a histogram that a few far values do not flatten."""
    low, high = column.low or 0.0, column.high or 0.0
    if column.quartiles is not None and column.far:
        width = _FAR * (column.quartiles[1] - column.quartiles[0])
        low, high = max(low, column.quartiles[0] - width), min(high, column.quartiles[1] + width)
    whole = column.kind == "number" and column.distinct <= _BINS and float(low).is_integer()
    if whole and high - low < _BINS:
        return np.arange(low - 0.5, high + 1.0)
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1)


def _kind(series: pl.Series) -> Kind | None:
    if series.dtype.is_integer() and series.n_unique() <= _TOP:
        return "category"
    if series.dtype.is_numeric():
        return "number"
    if series.dtype.is_temporal():
        return "date"
    if series.dtype == pl.Boolean:
        return "category"
    if series.dtype != pl.String:
        return None
    distinct, present = series.n_unique(), series.len() - series.null_count()
    return "text" if distinct > max(_CATEGORIES, present / 2) else "category"


def _summary(series: pl.Series, kind: Kind) -> Column:
    present = series.drop_nulls()
    missing, distinct = series.null_count(), present.n_unique()
    if kind in ("category", "text"):
        counted = as_texts(present).value_counts(sort=True, name="rows").head(_TOP)
        top = tuple((str(value), int(count)) for value, count in counted.iter_rows())
        return Column(series.name, kind, series.len(), missing, distinct, top=top)
    values = as_numbers(present)
    values = values[np.isfinite(values)]
    if not len(values):
        return Column(series.name, kind, series.len(), missing, distinct)
    low, first, middle, third, high = (float(q) for q in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    reach = _FAR * (third - first)
    far = int(((values < first - reach) | (values > third + reach)).sum()) if reach else 0
    return Column(series.name, kind, series.len(), missing, distinct, low, high, middle, (first, third), far)
