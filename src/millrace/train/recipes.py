"""Which encodings a model family wants, fitted on training rows alone.

Linear models get filled, clipped and standardised numbers and one-hot categories. Trees take numbers as they are
(missing stays NaN), one-hot for short lists of categories, and for long ones the smoothed mean of the target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding, PeriodEncoding, WordsEncoding
from millrace.records.signature import Field
from millrace.train.encode import Matrix, encode, numbers, side_by_side, texts
from millrace.train.words import learn_words

#: Longer lists of categories are summarised instead of spread over columns.
MAX_ONE_HOT = 30
MAX_TREE_ONE_HOT = 12
#: A category's mean counts as if this many rows with the overall mean were added to it (Micci-Barreca, 2001).
SMOOTHING = 20.0
_CROSS_PARTS = 5
_DAY = 86400.0
#: Periods in seconds, each used when the training rows span at least two of them.
_PERIODS = (_DAY, 7 * _DAY, 365.2425 * _DAY)

Recipe = Callable[[pl.DataFrame, Sequence[Field], np.ndarray], tuple[Encoding, ...]]


def for_linear(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for a linear model: everything finite, centred and of unit variance.

    `goals` is float64 ``[rows, outputs]``: class membership as 0/1 columns, or the value.
    """
    encodings: list[Encoding] = []
    for field in fields:
        if field.numeric:
            encodings += [_standardised(frame, field), *_periods(frame, field)]
        elif field.type == "text":
            continue
        elif len(field.categories) <= MAX_ONE_HOT:
            encodings.append(one_hot(frame, field))
        else:
            encodings.append(target_mean(frame, field, goals, standardise=True))
    return tuple(encodings)


def for_texts(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for a linear model of many words: those of a linear model, and the words of every text."""
    words = tuple(learn_words(texts(frame, field.name)) for field in fields if field.type == "text")
    return (*for_linear(frame, fields, goals), *words)


def for_words(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:  # noqa: ARG001
    """The words of every text alone, none of them below zero: what naive Bayes counts."""
    return tuple(learn_words(texts(frame, field.name)) for field in fields if field.type == "text")


def for_counts(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Categories as they occur and the words of every text, none of them below zero: what naive Bayes counts."""
    seen = tuple(one_hot(frame, field) for field in fields if field.type == "category")
    return (*seen, *for_words(frame, fields, goals))


def for_trees(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for boosted trees, which need no scaling and split on missing values themselves."""
    encodings: list[Encoding] = []
    for field in fields:
        if field.numeric:
            encodings += [NumberEncoding(field.name), *_periods(frame, field)]
        elif field.type == "text":
            continue
        elif len(field.categories) <= MAX_TREE_ONE_HOT:
            encodings.append(one_hot(frame, field))
        else:
            encodings.append(target_mean(frame, field, goals, standardise=False))
    return tuple(encodings)


def for_forests(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for forests: those of boosted trees, with numbers kept within what was seen.

    Scikit-learn's trees take missing values but no infinite ones; a value beyond all others goes where the farthest
    one goes anyway.
    """
    return tuple(
        _bounded(frame, encoding) if isinstance(encoding, NumberEncoding) else encoding
        for encoding in for_trees(frame, fields, goals)
    )


def learned(
    frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray, recipe: Recipe
) -> tuple[tuple[Encoding, ...], Matrix]:
    """The encodings of these training rows, and the matrix to learn from.

    Where a category is replaced by the mean of its target, a row must not see its own target: such matrices are
    cross-fitted, each part of the rows encoded by what the other parts say.
    """
    encodings = recipe(frame, fields, goals)
    words = [encoding for encoding in encodings if isinstance(encoding, WordsEncoding)]
    dense = encodings[: len(encodings) - len(words)]  # every recipe puts words last
    matrix = _cross_fitted(frame, fields, goals, recipe, dense)
    return encodings, side_by_side([matrix, encode(frame, words)]) if words else matrix


def _cross_fitted(
    frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray, recipe: Recipe, encodings: Sequence[Encoding]
) -> Matrix:
    matrix = encode(frame, encodings)
    means = [isinstance(encoding, LookupEncoding) and not _is_one_hot(encoding) for encoding in encodings]
    if not any(means):
        return matrix
    columns = {encoding.column for encoding, mean in zip(encodings, means, strict=True) if mean}
    averaged = [field for field in fields if field.name in columns]
    owners = np.repeat(means, [encoding.width for encoding in encodings])
    part = np.arange(frame.height) % _CROSS_PARTS
    for number in range(_CROSS_PARTS):
        inside = part == number
        summaries = recipe(frame.filter(~inside), averaged, goals[~inside])
        matrix[np.ix_(inside, owners)] = encode(frame.filter(inside), summaries)
    return matrix


def _is_one_hot(encoding: LookupEncoding) -> bool:
    return all(value in (0.0, 1.0) for row in encoding.rows for value in row)


def _bounded(frame: pl.DataFrame, encoding: NumberEncoding) -> NumberEncoding:
    values = numbers(frame, encoding.column)
    known = values[np.isfinite(values)]
    if not len(known):
        return NumberEncoding(encoding.column, low=0.0, high=0.0)
    most = float(np.finfo(np.float32).max)
    low, high = np.clip([known.min(), known.max()], -most, most).tolist()
    return NumberEncoding(encoding.column, low=low, high=high)


def _standardised(frame: pl.DataFrame, field: Field) -> NumberEncoding:
    values = numbers(frame, field.name)
    missing = np.isnan(values)
    known = values[np.isfinite(values)]
    if not len(known):
        return NumberEncoding(field.name, fill=0.0, factor=0.0, indicator=True)
    low, middle, high = _cuts(np.sort(known), (0.002, 0.5, 0.998))
    if low == high:
        low, high = float(known.min()), float(known.max())
    filled = np.where(missing, middle, np.clip(values, low, high))
    spread = float(filled.std())
    return NumberEncoding(
        field.name,
        fill=middle,
        indicator=bool(missing.any()),
        center=float(filled.mean()),
        factor=1 / spread if spread > 0 else 0.0,
        low=low,
        high=high,
    )


def _cuts(ordered: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Quantiles between neighbours, as `numpy.quantile` defines them; that takes ten times as long for few rows."""
    places = np.asarray(shares) * (len(ordered) - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    cuts: list[float] = (ordered[below] + (places - below) * (ordered[above] - ordered[below])).tolist()
    return cuts


def _periods(frame: pl.DataFrame, field: Field) -> list[PeriodEncoding]:
    """Phases of the day, week and year, as far as the field resolves them and the rows span them twice."""
    if field.type not in ("date", "datetime"):
        return []
    unit = _DAY if field.type == "date" else 1.0
    values = numbers(frame, field.name)
    known = values[np.isfinite(values)]
    span = float(np.ptp(known)) * unit if len(known) else 0.0
    return [PeriodEncoding(field.name, period, unit) for period in _PERIODS if unit < period and span >= 2 * period]


def one_hot(frame: pl.DataFrame, field: Field) -> LookupEncoding:
    """A column per category; of two categories without missing values one column says it all."""
    known = field.categories
    missing = bool((texts(frame, field.name) == "").any())
    shown = known[:1] if len(known) == 2 and not missing else known
    width = len(shown)
    rows = tuple(tuple(float(place == spot) for spot in range(width)) for place in range(width))
    rows += ((0.0,) * width,) * (len(known) - width)
    nothing = (0.0,) * width
    return LookupEncoding(field.name, known, rows, missing=nothing, unseen=nothing)


def target_mean(frame: pl.DataFrame, field: Field, goals: np.ndarray, *, standardise: bool) -> LookupEncoding:
    """The share of rows with a category, and the smoothed mean of each goal over them; unseen gives the prior."""
    columns = _informative(goals)
    prior = columns.mean(axis=0)
    places = {category: place for place, category in enumerate(field.categories, start=1)} | {"": 0}
    spots = texts(frame, field.name).replace_strict(
        list(places), list(places.values()), default=len(places), return_dtype=pl.Int32
    )
    codes = spots.to_numpy()
    counts = np.bincount(codes, minlength=len(places) + 1).astype(np.float64)
    sums = np.column_stack([np.bincount(codes, column, minlength=len(counts)) for column in columns.T])
    means = (sums + SMOOTHING * prior) / (counts + SMOOTHING)[:, None]
    table = np.column_stack([counts / len(codes), means])
    table[-1] = [0.0, *prior]
    if standardise:
        seen = table[codes]
        spread = seen.std(axis=0)
        table = (table - seen.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    rows = tuple(tuple(float(value) for value in row) for row in table)
    return LookupEncoding(field.name, field.categories, rows[1:-1], missing=rows[0], unseen=rows[-1])


def _informative(goals: np.ndarray) -> np.ndarray:
    """Without the first of several class columns, which the others imply."""
    return goals[:, 1:] if goals.shape[1] > 1 else goals
