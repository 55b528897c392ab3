"""The groups that rows fall into by one column: each frequent category, each quarter of the numbers, the missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from millrace.records.signature import Field, Signature

_CATEGORIES, _PARTS, _COLUMNS = 12, 4, 1000


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Rows with something in common: `members` bool ``[rows]``."""

    column: str
    name: str
    members: np.ndarray


def groups(frame: pl.DataFrame, signature: Signature, order: Sequence[str] = ()) -> list[Group]:
    """The groups by columns that are no texts, of the first 1,000 such; those of the columns in `order` first."""
    known = set(frame.columns)
    fields = {field.name: field for field in signature.inputs if field.name in known and field.type != "text"}
    names = list(dict.fromkeys([*(name for name in order if name in fields), *fields]))[:_COLUMNS]
    return [group for name in names for group in _of(frame[name], fields[name])]


def _of(series: pl.Series, field: Field) -> Iterator[Group]:
    if field.numeric and field.type != "boolean":
        yield from _parts(series, field)
    else:
        texts = series.cast(pl.String)
        for value in texts.drop_nulls().value_counts(sort=True)[series.name].head(_CATEGORIES).to_list():
            members = (texts == value).fill_null(False).to_numpy()
            yield Group(field.name, f"`{field.name}` is `{value or ' '}`", members)
    missing = series.is_null().to_numpy()
    if missing.any():
        yield Group(field.name, f"`{field.name}` is missing", missing)


def _parts(series: pl.Series, field: Field) -> Iterator[Group]:
    values = as_numbers(series, field)
    known = values[np.isfinite(values)]
    if not len(known):
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)))
    if len(edges) < 3:
        for value in np.unique(known)[:_CATEGORIES]:
            yield Group(field.name, f"`{field.name}` is {written(float(value), field)}", values == value)
        return
    for low, high in pairwise(edges.tolist()):
        inside = (values >= low) & ((values < high) | ((high == edges[-1]) & (values <= high)))
        start = "" if low == edges[0] else f"from {written(low, field)}"
        end = "" if high == edges[-1] else f"{'to' if start else 'below'} {written(high, field)}"
        yield Group(field.name, f"`{field.name}` {f'{start} {end}'.strip()}", inside)


def as_numbers(series: pl.Series, field: Field) -> np.ndarray:
    """A numeric column as float64, missing as NaN; dates as days and datetimes as seconds since 1970."""
    if field.type == "date" and series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    elif field.type == "datetime" and isinstance(series.dtype, pl.Datetime):
        series = series.dt.cast_time_unit("us").cast(pl.Int64) / 1e6
    if series.dtype == pl.Float64 and not series.null_count():
        return series.to_numpy()
    return series.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def written(value: float, field: Field) -> str:
    """A number of a column as people write it."""
    if field.type in {"date", "datetime"}:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value * (86400 if field.type == "date" else 1))
        return f"{moment:%Y-%m-%d}" if field.type == "date" else f"{moment:%Y-%m-%d %H:%M}"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e12 else f"{value:.4g}"
