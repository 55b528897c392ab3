"""Between which bounds a measured value's true one lies, with 95 % confidence.

Three ways, each where it is exact enough and cheapest:

* a share of counted rows: Wilson (1927);
* a smooth function of means: the delta method on the rows' influences, on a scale where the estimate is nearly normal
  (log for what is positive, logit for what lies in 0…1, so the bounds never leave the possible range), and with
  the fewer degrees of freedom, the fewer rows hold most of the variance;
* the rest: resampling with gamma weights (Rubin's Bayesian bootstrap, 1981), on cells or groups instead of rows.
"""

from __future__ import annotations

from math import erfc, inf, sqrt
from typing import Literal

import numpy as np

from millrace.evaluate.cells import Cells

Scale = Literal["plain", "log", "root", "logit", "below_one"]
Bounds = tuple[float, float]

#: The standard normal's 97.5 % quantile.
Z = 1.959963984540054


def wilson(hits: float, rows: float) -> Bounds:
    """The bounds of a share of which `hits` in `rows` were seen (Wilson, 1927); 0…1 for no rows.

    Examples
    --------
    >>> low, high = wilson(30, 40)
    >>> round(low, 3), round(high, 3)
    (0.598, 0.858)
    """
    if rows <= 0:
        return 0.0, 1.0
    seen = hits / rows
    center = (seen + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    half = Z / (1 + Z**2 / rows) * float(np.sqrt(seen * (1 - seen) / rows + Z**2 / (4 * rows**2)))
    return max(0.0, min(center - half, seen)), min(1.0, max(center + half, seen))


def student(freedom: float) -> float:
    """Student's 97.5 % quantile by its expansion around the normal (Fisher & Cornish, 1960)."""
    freedom = max(freedom, 1.0)
    return Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)


def around(value: float, error: float, scale: Scale, rows: float, stretch: float = 1.0) -> Bounds:
    """The bounds of an estimate with standard error `error` from so many `rows`, symmetric on `scale`.

    ``below_one`` is the log of the distance to one, for r2; ``root`` the log of the square, where the way to the upper
    bound is `stretch` times as long.
    """
    reach = student(rows - 1) * error
    if scale == "root" and value > 0 and np.isfinite(reach):
        return value / _power(reach / value), value * _power(stretch * reach / value)
    if reach == 0.0 or not np.isfinite(reach):
        return value, value
    if scale == "log" and value > 0:
        factor = _power(reach / value)
        return value / factor, value * factor
    if scale == "below_one" and value < 1:
        factor = _power(reach / (1 - value))
        return 1 - (1 - value) * factor, 1 - (1 - value) / factor
    if scale == "logit" and 0 < value < 1:
        factor = _power(reach / (value * (1 - value)))
        odds = value / (1 - value)
        return odds / factor / (1 + odds / factor), odds * factor / (1 + odds * factor)
    return value - reach, value + reach


def _power(exponent: float) -> float:
    return float(np.exp(min(exponent, 700.0)))


def error_of(influences: np.ndarray) -> float:
    """The standard error of an estimate whose rows have these influences (they sum to 0)."""
    rows = len(influences)
    return float(np.sqrt(np.dot(influences, influences) * rows / max(rows - 1, 1)))


def stretch_of(influences: np.ndarray) -> float:
    """How much farther the truth may lie above a mean of squares than below it.

    A sample that lacks the few largest rows shows too small a mean and too small an error at once, and the more so, the
    more skewed the rows are: a term in the skewness and one in its square, as they stand in the expansion of the
    studentised mean (Hall, On the removal of skewness by transformation, 1992), both larger than there because the
    sample's own skewness is too small as well; simulation shows how much is enough (`bench/coverage.py`). At least 1.
    """
    second = float(np.mean(influences**2))
    if second == 0.0:
        return 1.0
    skewness = max(0.0, float(np.mean(influences**3)) / float(second**1.5)) / sqrt(len(influences))
    return 1.0 + skewness / 2 + 1.5 * skewness**2


def freedom_of(influences: np.ndarray, truth: np.ndarray) -> float:
    """The degrees of freedom of an error to which every class adds its own (Welch, 1947), at least 1."""
    variances = np.bincount(truth, influences**2)
    counts = np.bincount(truth)
    whole = float(variances.sum())
    if whole == 0.0:
        return 1.0
    return max(1.0, whole**2 / float((variances**2 / np.maximum(counts - 1, 1)).sum()))


def rows_worth(influences: np.ndarray) -> float:
    """How many rows of a normal distribution tell the standard error as well as these do.

    Where a few rows hold much of the variance, the next sample's few may hold much more: the degrees of freedom of
    Student's t follow from the fourth moment (Box, 1953). Never more than there are rows, at least 4.
    """
    rows = len(influences)
    second = float(np.mean(influences**2))
    if second == 0.0:
        return float(rows)
    kurtosis = float(np.mean(influences**4)) / second**2
    return min(float(rows), max(4.0, 1 + 2 * rows / max(kurtosis - 1, 1e-9)))


def quantiles(draws: np.ndarray, value: float, rows: float = inf) -> Bounds:
    """The middle 95 % of `draws`, widened to hold `value`.

    Where the smallest of the groups that were resampled has few `rows`, it is a little more, by Student's factor.
    """
    tail = 0.025 if rows == inf else erfc(student(2 * rows - 1) / sqrt(2)) / 2
    low, high = np.quantile(draws, (tail, 1 - tail))
    return min(float(low), value), max(float(high), value)


def resample(
    rows: np.ndarray, columns: tuple[np.ndarray, ...], counts: np.ndarray, classes: int, rng: np.random.Generator
) -> tuple[Cells, ...]:
    """A thousand likely versions of confusion cells, for each of several models called on the same rows.

    Cell i holds ``counts[i]`` rows of class ``rows[i]`` which model m called ``columns[m][i]``. Each version is a draw
    from the Dirichlet of the counts plus one imaginary row spread over all cells, so a cell that happened to be
    empty stays possible and accuracy gets nearly Jeffreys' interval (Brown, Cai & DasGupta, 2001).
    """
    draws = int(min(1000, max(200, 4_000_000 // len(counts))))
    weights = rng.standard_gamma(counts + 1.0 / len(counts), size=(draws, len(counts)))
    actual = _gather(weights, rows, classes)
    return tuple(
        Cells(_gather(weights * (rows == called), rows, classes), actual, _gather(weights, called, classes))
        for called in columns
    )


def _gather(weights: np.ndarray, index: np.ndarray, classes: int) -> np.ndarray:
    """Sums of each draw's weights by class: ``[draws, classes]``."""
    sums: np.ndarray = weights @ (index[:, None] == np.arange(classes)).astype(np.float64)
    return sums


def resample_matrix(matrix: np.ndarray, rng: np.random.Generator) -> Cells:
    """A thousand likely versions of one confusion matrix; above 12 classes, cells never seen stay empty."""
    classes = len(matrix)
    keep = matrix > 0 if classes > 12 else np.ones_like(matrix, dtype=bool)
    rows, columns = np.nonzero(keep)
    return resample(rows, (columns,), matrix[keep].astype(np.float64), classes, rng)[0]
