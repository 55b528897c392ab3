"""Between which bounds a measured value's true one lies, with 95 % confidence.

Three ways, each where it is exact enough and cheapest:

* a share of counted rows: Wilson (1927);
* a smooth function of means: the delta method on the rows' influences, on a scale where the estimate is nearly normal
  (log for what is positive, logit for what lies in 0…1, so the bounds never leave the possible range);
* the rest: resampling with gamma weights (Rubin's Bayesian bootstrap, 1981), on cells or groups instead of rows.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from millrace.evaluate.cells import Cells

Scale = Literal["plain", "log", "logit", "below_one"]
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


def around(value: float, error: float, scale: Scale, rows: int) -> Bounds:
    """The bounds of an estimate with standard error `error`, symmetric on `scale`.

    ``below_one`` is the log of the distance to one, for r2.
    """
    reach = student(rows - 1) * error
    if reach == 0.0 or not np.isfinite(reach):
        return value, value
    if scale == "log" and value > 0:
        factor = float(np.exp(min(reach / value, 700.0)))
        return value / factor, value * factor
    if scale == "below_one" and value < 1:
        factor = float(np.exp(min(reach / (1 - value), 700.0)))
        return 1 - (1 - value) * factor, 1 - (1 - value) / factor
    if scale == "logit" and 0 < value < 1:
        factor = float(np.exp(min(reach / (value * (1 - value)), 700.0)))
        odds = value / (1 - value)
        return odds / factor / (1 + odds / factor), odds * factor / (1 + odds * factor)
    return value - reach, value + reach


def error_of(influences: np.ndarray) -> float:
    """The standard error of an estimate whose rows have these influences (they sum to 0)."""
    rows = len(influences)
    return float(np.sqrt(np.dot(influences, influences) * rows / max(rows - 1, 1)))


def quantiles(draws: np.ndarray, value: float) -> Bounds:
    """The middle 95 % of `draws`, widened to hold `value`."""
    low, high = np.quantile(draws, (0.025, 0.975))
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
    return np.stack([np.bincount(index, weights=row, minlength=classes) for row in weights])


def resample_matrix(matrix: np.ndarray, rng: np.random.Generator) -> Cells:
    """A thousand likely versions of one confusion matrix; above 12 classes, cells never seen stay empty."""
    classes = len(matrix)
    keep = matrix > 0 if classes > 12 else np.ones_like(matrix, dtype=bool)
    rows, columns = np.nonzero(keep)
    return resample(rows, (columns,), matrix[keep].astype(np.float64), classes, rng)[0]
