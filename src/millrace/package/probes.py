"""Rows made to be difficult: where a graph and the model it was written from would part first.

Each probe is a training row with one column changed: to a missing value, to the smallest and largest value seen, to
values at and around the points where trees split, to infinities, to every category and to ones never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from millrace.package.estimators import cat, forest, lightgbm, xgb
from millrace.package.estimators.base import Writer, family
from millrace.records.encoding import ComponentsEncoding, NumberEncoding
from millrace.records.fit import Fit, Member
from millrace.records.signature import Field

#: How many different rows the probes start from, and how many split points and categories of a column are tried.
_ROWS, _POINTS, _CATEGORIES = 50, 150, 2000
#: The probing rows together hold at most so many values, so of many columns fewer points are tried, and of very many
#: only those columns are changed that trees split on.
_VALUES, _FEWEST = 10_000_000, 20
_UNSEEN = ("never seen before", " ", "NaN", "null", "0", "é", "e\u0301", "日本", "a" * 300)

#: Texts that word splitting and lower-casing may stumble over.
_STRANGE = ("...", "İstanbul ǅ ẞ", "snake_case 1_000", "zero\u200bwidth \u00a0 no-break", "\x00", "word " * 5000)
#: Who writes trees, and where these split.
_GROWERS: tuple[tuple[Writer, Callable[[Any], dict[int, list[float]]]], ...] = (
    (lightgbm.LightGBMWriter(), lightgbm.split_points),
    (forest.ForestWriter(), forest.split_points),
    (xgb.XGBoostWriter(), xgb.split_points),
    (cat.CatBoostWriter(), cat.split_points),
)


def probes(fit: Fit) -> pl.DataFrame:
    """The probing rows, with the columns and types of the training rows; empty when there is no training row."""
    inputs = fit.train_rows.select(field.name for field in fit.signature.inputs)
    if inputs.is_empty():
        return inputs
    base = inputs.gather_every(max(1, inputs.height // _ROWS)).head(_ROWS)
    points = _split_points(fit.members)
    varied, left = [base], _VALUES // inputs.width
    changed = sorted(fit.signature.inputs, key=lambda field: field.name not in points)[: max(1, left // _FEWEST)]
    for place, field in enumerate(changed):
        seen, most = inputs[field.name], max(_FEWEST, left // (len(changed) - place))
        finite = not all(_bears_infinity(field.name, member) for member in fit.members)
        values = _numbers(seen, points.get(field.name, set()), finite) if field.numeric else _texts(seen, field)
        values = values.gather_every(max(1, -(-len(values) // most)))
        left -= len(values)
        varied.append(base[[i % base.height for i in range(len(values))]].with_columns(values.alias(field.name)))
    return pl.concat(varied)


def _texts(seen: pl.Series, field: Field) -> pl.Series:
    if field.type == "text":
        some = seen.drop_nulls().gather_every(max(1, seen.len() // _ROWS)).head(_ROWS)
        changed = pl.concat([some.str.to_uppercase(), some.str.replace_all(" ", "\n\t, "), some + " " + some])
        return pl.concat([changed, pl.Series([None, *_UNSEEN, *_STRANGE], dtype=pl.String)])
    texts = pl.Series([*field.categories[:_CATEGORIES], "", None], dtype=pl.String)
    if seen.dtype == pl.String:
        texts = pl.concat([texts, _unseen(field)])
    return texts.cast(seen.dtype, strict=False)


def strange(seen: pl.Series, field: Field, *, missing: bool) -> pl.Series:
    """The categories seen, texts that are none of them, and with `missing` none at all."""
    known = seen.drop_nulls().unique(maintain_order=True).head(_CATEGORIES)
    known = pl.concat([known.filter(known != "").rename(field.name), _unseen(field).rename(field.name)])
    return pl.concat([known, pl.Series(field.name, [None], dtype=pl.String)]) if missing else known


def _unseen(field: Field) -> pl.Series:
    return pl.Series([*_UNSEEN, *(f"{known} " for known in field.categories[:20])])


def _numbers(seen: pl.Series, points: set[float], finite: bool) -> pl.Series:
    ends = [None, seen.min(), seen.max()]
    if not seen.dtype.is_float():
        return pl.Series(ends, dtype=seen.dtype)
    values = [*_around(points), float("nan"), 0.0, -0.0, 1e-35]
    if not finite:
        values += [float("inf"), float("-inf"), 1e300, -1e300]
    return pl.Series([*ends, *values], dtype=pl.Float64).cast(seen.dtype)


def _split_points(members: Sequence[Member]) -> dict[str, set[float]]:
    """Values of each column whose encoding is a split point of some tree."""
    found: dict[str, set[float]] = {}
    for member in members:
        reads = next((read for writer, read in _GROWERS if writer.accepts(member.estimator)), None)
        if reads is None:
            continue
        points = reads(member.estimator)
        place = 0
        for encoding in member.encodings:
            if isinstance(encoding, NumberEncoding) and encoding.factor and encoding.until is None:
                raw = (point / encoding.factor + encoding.center for point in points.get(place, ()))
                found.setdefault(encoding.column, set()).update(raw)
            place += encoding.width
    return found


def _around(points: set[float]) -> list[float]:
    """Some of the points, each exactly, in float32, and the nearest float32 on either side of it."""
    exact = np.array(sorted(points)[:: max(1, len(points) // _POINTS)], np.float64)
    with np.errstate(over="ignore"):  # LightGBM splits what is infinite from all else beyond float32
        close = exact.astype(np.float32)
    neighbours = [np.nextafter(close, np.float32(side)) for side in (-np.inf, np.inf)]
    return [float(value) for value in np.concatenate([exact, close, *neighbours])]


def _bears_infinity(column: str, member: Member) -> bool:
    """Whether the trained model can answer at all when this column is infinite, or so in float32.

    Scikit-learn refuses infinities, LightGBM takes them; clipping makes them finite.
    """
    numbers = [
        number
        for encoding in member.encodings
        for number in (encoding.numbers if isinstance(encoding, ComponentsEncoding) else [encoding])
        if column in number.columns
    ]
    clipped = all(
        isinstance(number, NumberEncoding) and number.low is not None and number.high is not None for number in numbers
    )
    return clipped or family(member.estimator).startswith("lightgbm.")
