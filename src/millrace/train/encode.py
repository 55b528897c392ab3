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
    ComponentsEncoding,
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


def read(frame: pl.DataFrame, encoding: NumberEncoding) -> Numbers:
    """What a number's encoding takes: a column, or the days from one date to another; missing as NaN.

    Examples
    --------
    >>> from datetime import date
    >>> frame = pl.DataFrame({"born": [date(1970, 1, 3)], "seen": [date(1970, 1, 10)]})
    >>> read(frame, NumberEncoding("born", until="seen"))
    array([7.])
    """
    if encoding.until is None:
        return numbers(frame, encoding.column)
    start, end = encoding.units
    return numbers(frame, encoding.until) * end - numbers(frame, encoding.column) * start


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
            return _number(read(frame, encoding), encoding)
        case ComponentsEncoding():
            return _components(frame, encoding)
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
        values = np.column_stack([read(frame, encoding) for _, encoding in some])
        starts = np.array([start for start, _ in some])
        matrix[:, starts] = _rounded(exact(values, [encoding for _, encoding in some]))
        told = np.array([encoding.indicator for _, encoding in some])
        matrix[:, starts[told] + 1] = np.isnan(values[:, told])


def exact(values: Numbers, encodings: Sequence[NumberEncoding]) -> Numbers:
    """Clipped, filled, bent, centred and scaled, float64 of the shape of `values`: a column for each encoding."""
    low = np.array([-np.inf if one.low is None else one.low for one in encodings])
    high = np.array([np.inf if one.high is None else one.high for one in encodings])
    fill = np.array([np.nan if one.fill is None else one.fill for one in encodings])
    filled = np.where(np.isnan(values), fill, np.clip(values, low, high))
    for place, one in enumerate(encodings):
        if one.power is not None:
            filled[:, place] = powered(filled[:, place], one.power)
        elif one.knots:
            filled[:, place] = ranked(filled[:, place], one.knots)
    center, factor = (np.array([getattr(one, name) for one in encodings]) for name in ("center", "factor"))
    return np.asarray((filled - center) * factor)


def _number(values: Numbers, encoding: NumberEncoding) -> Matrix:
    scaled = _rounded(exact(values[:, None], [encoding]))
    return np.column_stack([scaled, np.isnan(values).astype(np.float32)]) if encoding.indicator else scaled


def _components(frame: pl.DataFrame, encoding: ComponentsEncoding) -> Matrix:
    values = np.column_stack([read(frame, one) for one in encoding.numbers])
    told = [one.indicator for one in encoding.numbers]
    scores = _rounded(exact(values, encoding.numbers) @ encoding.axes)
    return np.column_stack([scores, np.isnan(values[:, told]).astype(np.float32)])


def _rounded(values: Numbers) -> Matrix:
    """As float32, where what is farther than that reaches is infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def ranked(values: Numbers, knots: Sequence[tuple[float, float]]) -> Numbers:
    """The scores of values: straight between neighbouring knots, and no farther than the outermost.

    Examples
    --------
    >>> ranked(np.array([-5.0, 1.0, 3.0]), [(0.0, -1.0), (2.0, 1.0)]).tolist()
    [-1.0, 0.0, 1.0]
    """
    points = np.array(knots)
    return np.asarray(np.interp(values, points[:, 0], points[:, 1]))


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
