"""Which encodings a model family wants, fitted on training rows alone.

Linear models get filled, clipped and standardised numbers and one-hot categories. Trees take numbers as they are
(missing stays NaN), one-hot for short lists of categories, and for long ones the smoothed mean of the target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding, PeriodEncoding, WordsEncoding
from millrace.records.signature import Field
from millrace.train.encode import Matrix, encode, numbers, read, side_by_side, texts
from millrace.train.scaling import cuts, scaled, within_float32
from millrace.train.selection import Chosen
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
#: The days between dates are columns of their own, unless there are more dates than this.
_MAX_DATES = 4

Recipe = Callable[[pl.DataFrame, Sequence[Field], np.ndarray], tuple[Encoding, ...]]


def for_linear(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for a linear model: everything finite, centred and of unit variance.

    `goals` is float64 ``[rows, outputs]``: class membership as 0/1 columns, or the value.
    """
    encodings: list[Encoding] = []
    for field in fields:
        if field.numeric:
            encodings += [standardised(frame, NumberEncoding(field.name)), *_periods(frame, field)]
        elif field.type == "text":
            continue
        elif len(field.categories) <= MAX_ONE_HOT:
            encodings.append(one_hot(frame, field))
        else:
            encodings.append(target_mean(frame, field, goals, standardise=True))
    return (*encodings, *(standardised(frame, age) for age in _ages(fields)))


def for_texts(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for a linear model of many words: those of a linear model, and the words of every text."""
    return _something(fields, for_linear(frame, fields, goals), _words(frame, fields))


def for_words(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:  # noqa: ARG001
    """The words of every text alone, none of them below zero: what naive Bayes counts."""
    return _something(fields, (), _words(frame, fields))


def for_counts(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:  # noqa: ARG001
    """Categories as they occur and the words of every text, none of them below zero: what naive Bayes counts."""
    seen = tuple(one_hot(frame, field) for field in fields if field.type == "category")
    return _something(fields, seen, _words(frame, fields))


def _words(frame: pl.DataFrame, fields: Sequence[Field]) -> tuple[Encoding, ...]:
    return tuple(learn_words(texts(frame, field.name)) for field in fields if field.type == "text")


def _something(
    fields: Sequence[Field], others: tuple[Encoding, ...], words: tuple[Encoding, ...]
) -> tuple[Encoding, ...]:
    """The encodings, with a column of zeros where no word is worth a column and there is nothing else."""
    read = [field.name for field in fields if not field.numeric]
    if any(one.width for one in (*others, *words)) or not read:
        return (*others, *words)
    return (LookupEncoding(read[0], (), (), missing=(0.0,), unseen=(0.0,)), *words)


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
    return (*encodings, *_ages(fields))


def for_forests(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
    """Encodings for forests: those of boosted trees, with numbers kept within what was seen.

    Scikit-learn's trees take missing values but no infinite ones; a value beyond all others goes where the farthest
    one goes anyway.
    """
    return tuple(
        bounded(frame, encoding) if isinstance(encoding, NumberEncoding) else encoding
        for encoding in for_trees(frame, fields, goals)
    )


def learned(
    frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray, recipe: Recipe
) -> tuple[tuple[Encoding, ...], Matrix]:
    """The encodings of these training rows, and the matrix to learn from.

    Where a category is replaced by the mean of its target, a row must not see its own target: such matrices are
    cross-fitted, each part of the rows encoded by what the other parts say.
    """
    if isinstance(recipe, Chosen):
        return learned(frame, recipe.fields(frame, fields, goals), goals, recipe.recipe)
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
    columns = {column for encoding, mean in zip(encodings, means, strict=True) if mean for column in encoding.columns}
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


def bounded(frame: pl.DataFrame, encoding: NumberEncoding) -> NumberEncoding:
    """The number within what these rows hold, and within float32."""
    values = read(frame, encoding)
    known = values[np.isfinite(values)]
    if not len(known):
        return replace(encoding, low=0.0, high=0.0)
    low, high = within_float32(known.min(), known.max())
    return replace(encoding, low=low, high=high)


def standardised(frame: pl.DataFrame, number: NumberEncoding) -> NumberEncoding:
    """The number clipped where nearly all rows end, filled with the median, centred and of unit variance."""
    values = read(frame, number)
    missing = np.isnan(values)
    known = values[np.isfinite(values)]
    if not len(known):
        return replace(number, fill=0.0, factor=0.0, indicator=True, low=0.0, high=0.0)
    low, middle, high = cuts(np.sort(known), (0.002, 0.5, 0.998))
    if low == high:
        low, high = float(known.min()), float(known.max())
    low, high = within_float32(low, high)
    filled = np.where(missing, middle, np.clip(values, low, high))
    found = replace(number, fill=float(np.clip(middle, low, high)), indicator=bool(missing.any()), low=low, high=high)
    return scaled(filled, found, "standard")


def _ages(fields: Sequence[Field]) -> list[NumberEncoding]:
    """The days between every two dates."""
    dates = [field for field in fields if field.type in ("date", "datetime")]
    return [age(one, other) for one, other in combinations(dates, 2)] if len(dates) <= _MAX_DATES else []


def age(start: Field, end: Field) -> NumberEncoding:
    """The days from one date to another of the same row: no clock is asked, so an answer stays what it was.

    Examples
    --------
    >>> age(Field("born", "date"), Field("seen", "datetime")).units
    (1.0, 1.1574074074074073e-05)
    """
    one, other = (1.0 if field.type == "date" else 1 / _DAY for field in (start, end))
    return NumberEncoding(start.name, until=end.name, units=(one, other))


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
    if not known:  # blank in all of these rows: a column of zeros, so that no estimator is left without any
        return LookupEncoding(field.name, (), (), missing=(0.0,), unseen=(0.0,))
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
