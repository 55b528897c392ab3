"""How far predicted values lie from the true ones.

Each function gives the metric and the influence of each row on it; the influences sum to 0 and the sum of their
squares is the variance of the estimate, which makes intervals and paired comparisons one line each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from millrace.evaluate.intervals import Bounds, Z

Influence = tuple[float, np.ndarray]


def mean_of(losses: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], Influence]:
    """The mean of losses given row by row, with influences."""

    def measure(truth: np.ndarray, prediction: np.ndarray) -> Influence:
        each = losses(truth, prediction)
        mean = float(each.mean())
        return mean, (each - mean) / len(each)

    return measure


def absolute(truth: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Each row's distance from the truth."""
    distance: np.ndarray = np.abs(truth - value.astype(np.float64))
    return distance


def relative(truth: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Each row's distance as a share of the truth, which counts as an epsilon at least."""
    share: np.ndarray = absolute(truth, value) / np.maximum(np.abs(truth), np.finfo(np.float64).eps)
    return share


#: Below this tail index of 1/truth (Hill, 1975) the mean relative error has no finite variance, so no interval.
_TAIL = 2.0


def no_shares(truth: np.ndarray) -> str:
    """Why an error as a share of these true values means nothing; empty where it does.

    It needs amounts of one sign that stay away from 0: else a handful of rows near 0 makes up nearly all of the mean,
    which then has no interval, or is infinite.
    """
    zeros = int((truth == 0).sum())
    if zeros:
        return f"{zeros:,} of {len(truth):,} true values are 0, and an error is no share of nothing."
    if truth.min() < 0 < truth.max():
        return "True values lie on both sides of 0, so the rows nearest to it would rule mape."
    steep = np.sort(1.0 / np.abs(truth))[::-1]
    top = int(np.ceil(np.sqrt(len(truth))))
    if top >= len(steep):
        return ""
    climb = float(np.log(steep[:top] / steep[top]).mean())
    if climb * _TAIL <= 1:
        return ""
    return f"The {top:,} smallest of {len(truth):,} true values come so near to 0 that they would rule mape."


def wape(truth: np.ndarray, value: np.ndarray) -> Influence:
    """All errors together as a share of all true amounts together; 0 where both are nothing."""
    error, size = absolute(truth, value), np.abs(truth)
    whole = float(size.mean())
    if whole == 0.0:
        return float(error.mean() > 0), np.zeros(len(truth))
    share = float(error.mean()) / whole
    return share, (error - share * size) / (whole * len(truth))


def pinball(quantile: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Each row's loss for a prediction meant as this quantile (Koenker & Bassett, 1978)."""

    def losses(truth: np.ndarray, value: np.ndarray) -> np.ndarray:
        under = truth - value.astype(np.float64)
        loss: np.ndarray = np.where(under >= 0, quantile * under, (quantile - 1) * under)
        return loss

    return losses


def rmse(truth: np.ndarray, value: np.ndarray) -> Influence:
    """The root of the mean squared error: large errors count most."""
    squared = absolute(truth, value) ** 2
    mean = float(squared.mean())
    root = float(np.sqrt(mean))
    return root, (squared - mean) / (2 * max(root, np.finfo(np.float64).tiny) * len(squared))


def r2(truth: np.ndarray, value: np.ndarray) -> Influence:
    """Which share of the truth's variance is explained; a constant truth gives 1 if met exactly, else 0."""
    squared = absolute(truth, value) ** 2
    spread = (truth - truth.mean()) ** 2
    error, variance = float(squared.mean()), float(spread.mean())
    if variance == 0.0:
        return float(error == 0.0), np.zeros(len(truth))
    return 1 - error / variance, (error * spread / variance - squared) / (variance * len(truth))


def median_ae(truth: np.ndarray, value: np.ndarray) -> float:
    """The distance that half of the rows stay within."""
    return float(np.median(absolute(truth, value)))


def weighted_median_ae(truth: np.ndarray, value: np.ndarray) -> Callable[[np.ndarray], float]:
    """The median distance as a function of row weights; the rows are sorted once, here."""
    distance = absolute(truth, value)
    order = np.argsort(distance)
    ascending = distance[order]

    def measure(weights: np.ndarray) -> float:
        reached = np.cumsum(weights[order])
        return float(ascending[np.searchsorted(reached, reached[-1] / 2)])

    return measure


def median_ae_bounds(truth: np.ndarray, value: np.ndarray, _: np.random.Generator) -> tuple[float, Bounds]:
    """The median distance and its bounds: the order statistics between which the binomial puts the median."""
    distance = np.sort(absolute(truth, value))
    rows = len(distance)
    reach = Z * np.sqrt(rows) / 2
    low = max(int(np.floor(rows / 2 - reach)) - 1, 0)
    high = min(int(np.ceil(rows / 2 + reach)), rows - 1)
    return float(np.median(distance)), (float(distance[low]), float(distance[high]))
