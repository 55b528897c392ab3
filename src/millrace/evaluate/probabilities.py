"""How honest probabilities are: proper losses row by row, and calibration bin by bin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Equal-width bins of confidence (Guo et al., 2017).
BINS = 15


def log_losses(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Each row's surprise in nats, float64 ``[rows]``; probabilities stay an epsilon of their dtype off 0 and 1."""
    epsilon = np.finfo(probability.dtype).eps
    if probability.ndim == 1:
        given = np.where(truth == 1, probability, 1 - probability)
    else:
        given = np.take_along_axis(probability, truth[:, None], axis=1)[:, 0]
    return -np.log(np.clip(given, epsilon, 1 - epsilon).astype(np.float64))


def brier_losses(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Each row's squared distance from certainty, float64 ``[rows]``: 0…1 for two classes, summed (0…2) for more."""
    losses: np.ndarray
    if probability.ndim == 1:
        losses = (probability.astype(np.float64) - (truth == 1)) ** 2
    else:
        hits = np.arange(probability.shape[1])[None, :] == truth[:, None]
        losses = ((probability.astype(np.float64) - hits) ** 2).sum(axis=1)
    return losses


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was promised and what came true, bin by bin (empty bins left out): float64 ``[bins]``."""

    rows: np.ndarray
    promised: np.ndarray
    true: np.ndarray


def reliability(truth: np.ndarray, probability: np.ndarray) -> Reliability:
    """Mean probability and share of hits in equal-width bins.

    Two classes: of the positive. More: of the class called, at its own probability.
    """
    confidence, right = _confidence(truth, probability)
    place = _bins(confidence)
    rows = np.bincount(place, minlength=BINS).astype(np.float64)
    kept = rows > 0
    promised = np.bincount(place, weights=confidence, minlength=BINS)[kept] / rows[kept]
    true = np.bincount(place, weights=right, minlength=BINS)[kept] / rows[kept]
    return Reliability(rows[kept], promised, true)


def _bins(confidence: np.ndarray) -> np.ndarray:
    bins: np.ndarray = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return bins


def _confidence(truth: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if probability.ndim == 1:
        return probability, truth == 1
    return probability.max(axis=1), probability.argmax(axis=1) == truth


def ece(truth: np.ndarray, probability: np.ndarray) -> float:
    """How far promised and seen frequencies lie apart, on average over rows, chance included.

    This is the expected calibration error as it is usually written; `miscalibration` takes the chance out.

    Examples
    --------
    >>> round(ece(np.array([0, 1, 1, 1]), np.array([0.7, 0.7, 0.7, 0.7])), 4)
    0.05
    """
    bins = reliability(truth, probability)
    return float((bins.rows * np.abs(bins.true - bins.promised)).sum() / bins.rows.sum())


def weighted_ece(truth: np.ndarray, probability: np.ndarray) -> Callable[[np.ndarray], float]:
    """The calibration error as a function of row weights; the rows are binned once, here."""
    confidence, right = _confidence(truth, probability)
    place, gap = _bins(confidence), right - confidence.astype(np.float64)

    def measure(weights: np.ndarray) -> float:
        gaps = np.bincount(place, weights=weights * gap, minlength=BINS)
        return float(np.abs(gaps).sum() / weights.sum())

    return measure
