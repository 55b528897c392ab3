"""Rows made to be difficult: where a graph and the model it was written from would part first.

Each probe is a training row with one column changed: to a missing value, to the smallest and largest value seen, to
values at and around the points where trees split, to infinities, to every category and to ones never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from millrace.package.estimators.base import family
from millrace.package.estimators.lightgbm import LightGBMWriter, split_points
from millrace.records.encoding import NumberEncoding
from millrace.records.fit import Fit, Member
from millrace.records.signature import Field

#: How many different rows the probes start from, and how many split points and categories of a column are tried.
_ROWS, _POINTS, _CATEGORIES = 50, 150, 2000
_UNSEEN = ("never seen before", " ", "NaN", "null", "0", "é", "e\u0301", "日本", "a" * 300)


def probes(fit: Fit) -> pl.DataFrame:
    """The probing rows, with the columns and types of the training rows; empty when there is no training row."""
    inputs = fit.train_rows.select(field.name for field in fit.signature.inputs)
    if inputs.is_empty():
        return inputs
    base = inputs.gather_every(max(1, inputs.height // _ROWS)).head(_ROWS)
    return pl.concat([base, *(_varied(base, inputs[field.name], field, fit) for field in fit.signature.inputs)])


def _varied(base: pl.DataFrame, seen: pl.Series, field: Field, fit: Fit) -> pl.DataFrame:
    values = _numbers(seen, field, fit) if field.numeric else _texts(seen, field)
    spread = [i % base.height for i in range(len(values))]
    return base[spread].with_columns(values.alias(field.name))


def _texts(seen: pl.Series, field: Field) -> pl.Series:
    texts = pl.Series([*field.categories[:_CATEGORIES], "", None], dtype=pl.String)
    if seen.dtype == pl.String:
        texts = pl.concat([texts, pl.Series([*_UNSEEN, *(f"{known} " for known in field.categories[:20])])])
    return texts.cast(seen.dtype, strict=False)


def _numbers(seen: pl.Series, field: Field, fit: Fit) -> pl.Series:
    ends = [None, seen.min(), seen.max()]
    if not seen.dtype.is_float():
        return pl.Series(ends, dtype=seen.dtype)
    values = [*_points(field.name, fit.members), float("nan"), 0.0, -0.0, 1e-35]
    if all(_bears_infinity(field.name, member) for member in fit.members):
        values += [float("inf"), float("-inf"), 1e300, -1e300]
    return pl.Series([*ends, *values], dtype=pl.Float64).cast(seen.dtype)


def _points(column: str, members: Sequence[Member]) -> list[float]:
    """Values whose encoding is a split point of some tree, and the nearest float32 on either side of it."""
    found: set[float] = set()
    for member in members:
        if not _splits(member.estimator):
            continue
        points = split_points(member.estimator)
        place = 0
        for encoding in member.encodings:
            if isinstance(encoding, NumberEncoding) and encoding.column == column and encoding.factor:
                found.update(point / encoding.factor + encoding.center for point in points.get(place, ()))
            place += encoding.width
    few = sorted(found)[:: max(1, len(found) // _POINTS)]
    exact = np.array(few, np.float64)
    close = exact.astype(np.float32)
    around = [np.nextafter(close, np.float32(side)) for side in (-np.inf, np.inf)]
    return [float(value) for value in np.concatenate([exact, close, *around])]


def _splits(estimator: Any) -> bool:
    return LightGBMWriter().accepts(estimator)


def _bears_infinity(column: str, member: Member) -> bool:
    """Whether the trained model can answer at all when this column is infinite, or so in float32.

    Scikit-learn refuses infinities, LightGBM takes them; clipping makes them finite.
    """
    clipped = all(
        isinstance(encoding, NumberEncoding) and encoding.low is not None and encoding.high is not None
        for encoding in member.encodings
        if encoding.column == column
    )
    return clipped or family(member.estimator).startswith("lightgbm.")
