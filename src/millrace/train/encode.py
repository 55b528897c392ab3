"""Apply encodings: raw columns of a frame become the float32 matrix an estimator sees.

The packaged graph repeats these operations from the same records, so the order of operations here is the one that
`millrace.records.encoding` states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from millrace.records.encoding import (
    Encoding,
    LookupEncoding,
    NumberEncoding,
    PeriodEncoding,
    WordsEncoding,
)
from millrace.train.words import words_matrix

#: Numbers are scaled so many columns at a time.
_ABREAST = 64
#: Dense, or a float32 SciPy CSR matrix where texts are encoded as words.
Matrix = Any
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def encode(frame: pl.DataFrame, encodings: Sequence[Encoding]) -> Matrix:
    """What an estimator sees of these rows: the encodings' columns side by side, float32 ``[rows, sum of widths]``.

    Sparse (CSR) where texts are encoded as words.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [20, None], "plan": ["basic", "gold"]})
    >>> plan = LookupEncoding("plan", ("basic",), ((1.0,),), missing=(0.0,), unseen=(-1.0,))
    >>> encode(frame, [NumberEncoding("age", fill=30.0, center=30.0, factor=0.1), plan])
    array([[-1.,  1.],
           [ 0., -1.]], dtype=float32)
    """
    if any(isinstance(encoding, WordsEncoding) for encoding in encodings):
        return side_by_side([_columns(frame, encoding) for encoding in encodings])
    matrix = np.empty((frame.height, sum(encoding.width for encoding in encodings)), dtype=np.float32)
    start, plain = 0, {}
    for encoding in encodings:
        if isinstance(encoding, NumberEncoding):
            plain[start] = encoding
        else:
            matrix[:, start : start + encoding.width] = _columns(frame, encoding)
        start += encoding.width
    _numbers(frame, plain, matrix)
    return matrix


def side_by_side(blocks: Sequence[Matrix]) -> Matrix:
    """Blocks of columns, some of them sparse, as one CSR matrix."""
    from scipy.sparse import csr_matrix, hstack

    return hstack([csr_matrix(block) for block in blocks], format="csr", dtype=np.float32)


def numbers(frame: pl.DataFrame, column: str) -> Numbers:
    """A numeric column as it enters the graph: float64, missing as NaN.

    Booleans are 0/1, dates days and datetimes seconds since 1970.

    Examples
    --------
    >>> numbers(pl.DataFrame({"won": [True, None]}), "won")
    array([ 1., nan])
    """
    series = frame[column]
    if series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    elif isinstance(series.dtype, pl.Datetime):
        return _floats(series.cast(pl.Datetime("us")).cast(pl.Int64)) / 1e6
    return _floats(series)


def texts(frame: pl.DataFrame, column: str) -> pl.Series:
    """A text column as it enters the graph: String, missing as the empty text."""
    return frame[column].cast(pl.String).fill_null("")


def _floats(series: pl.Series) -> Numbers:
    if (
        series.dtype != pl.Float64 or series.null_count()
    ):  # a step that does nothing costs much for thousands of columns
        series = series.cast(pl.Float64).fill_null(float("nan"))
    return series.to_numpy().astype(np.float64)


def _columns(frame: pl.DataFrame, encoding: Encoding) -> Matrix:
    match encoding:
        case NumberEncoding():
            return _number(numbers(frame, encoding.column), encoding)
        case LookupEncoding():
            return _lookup(texts(frame, encoding.column), encoding)
        case PeriodEncoding():
            return _period(numbers(frame, encoding.column), encoding)
        case WordsEncoding():
            return words_matrix(texts(frame, encoding.column), encoding)


def _numbers(frame: pl.DataFrame, encodings: Mapping[int, NumberEncoding], matrix: Matrix) -> None:
    """Write numbers into the matrix at their places, many columns in one step: there may be thousands."""
    todo = list(encodings.items())
    for first in range(0, len(todo), _ABREAST):
        some = todo[first : first + _ABREAST]
        values = np.column_stack([numbers(frame, encoding.column) for _, encoding in some])
        starts = np.array([start for start, _ in some])
        matrix[:, starts] = _scaled(values, [encoding for _, encoding in some])
        told = np.array([encoding.indicator for _, encoding in some])
        matrix[:, starts[told] + 1] = np.isnan(values[:, told])


def _scaled(values: Numbers, encodings: Sequence[NumberEncoding]) -> Matrix:
    """Clipped, filled, centred and scaled, float32 of the shape of `values`: a column for each encoding."""
    low = np.array([-np.inf if one.low is None else one.low for one in encodings])
    high = np.array([np.inf if one.high is None else one.high for one in encodings])
    fill = np.array([np.nan if one.fill is None else one.fill for one in encodings])
    filled = np.where(np.isnan(values), fill, np.clip(values, low, high))
    for place, one in enumerate(encodings):
        if one.power is not None:
            filled[:, place] = powered(filled[:, place], one.power)
    center, factor = (np.array([getattr(one, name) for one in encodings]) for name in ("center", "factor"))
    return ((filled - center) * factor).astype(np.float32)


def _number(values: Numbers, encoding: NumberEncoding) -> Matrix:
    scaled = _scaled(values[:, None], [encoding])
    return np.column_stack([scaled, np.isnan(values).astype(np.float32)]) if encoding.indicator else scaled


def powered(values: Numbers, power: float) -> Numbers:
    """Yeo & Johnson's transformation (2000), which makes skewed values less so; `power` is neither 0 nor 2.

    Examples
    --------
    >>> powered(np.array([3.0, 0.0, -3.0]), 0.5).round(3).tolist()
    [2.0, 0.0, -4.667]
    """
    above = ((np.maximum(values, 0.0) + 1) ** power - 1) / power
    below = ((1 - np.minimum(values, 0.0)) ** (2 - power) - 1) / (2 - power)
    return np.asarray(above - below)


def _lookup(values: pl.Series, encoding: LookupEncoding) -> Matrix:
    table = np.array([encoding.unseen, encoding.missing, *encoding.rows], dtype=np.float32)
    places = {"": 1} | {category: place for place, category in enumerate(encoding.categories, start=2)}
    found = values.replace_strict(list(places), list(places.values()), default=0, return_dtype=pl.Int32)
    rows: Matrix = table[found.to_numpy()]
    return rows


def _period(values: Numbers, encoding: PeriodEncoding) -> Matrix:
    turns = values * encoding.unit / encoding.seconds
    angle = (turns - np.floor(turns)) * (2 * np.pi)
    waves = np.column_stack([np.sin(angle), np.cos(angle)]).astype(np.float32)
    return np.where(np.isnan(values)[:, None], np.float32(0), waves)
