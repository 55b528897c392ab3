"""Metrics that only need to know how often each class was called what.

Every one is a function of `Cells`, whose arrays may carry any leading axes: one confusion matrix, or a thousand
resampled ones at once. A share of nothing is 0 (no positive call: precision 0), as scikit-learn has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Cells:
    """What a confusion matrix says, class by class: float64 arrays ``[..., classes]``.

    `hits` were called rightly, `actual` belong to the class, `predicted` were called it.
    """

    hits: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray


def confusion(truth: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """How many rows of class i were called class j: int64 ``[classes, classes]``.

    Examples
    --------
    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    codes = truth.astype(np.int64) * classes + label
    return np.bincount(codes, minlength=classes * classes).reshape(classes, classes)


def cells(matrix: np.ndarray) -> Cells:
    """The per-class counts of confusion matrices ``[..., classes, classes]``."""
    counts = np.asarray(matrix, dtype=np.float64)
    return Cells(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2))


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part` of `whole`, 0 where there is no whole."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    result: np.ndarray = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return result


def accuracy(counts: Cells) -> np.ndarray:
    """Which share of the rows was called rightly."""
    return share(counts.hits.sum(axis=-1), counts.actual.sum(axis=-1))


def balanced_accuracy(counts: Cells) -> np.ndarray:
    """The mean recall of the classes that occur."""
    return share(recalls(counts).sum(axis=-1), (counts.actual > 0).sum(axis=-1))


def precision(counts: Cells) -> np.ndarray:
    """Which share of the positive calls was right (binary)."""
    return share(counts.hits[..., 1], counts.predicted[..., 1])


def recall(counts: Cells) -> np.ndarray:
    """Which share of the positives was found (binary)."""
    return share(counts.hits[..., 1], counts.actual[..., 1])


def specificity(counts: Cells) -> np.ndarray:
    """Which share of the negatives was left in peace (binary)."""
    return share(counts.hits[..., 0], counts.actual[..., 0])


def f1(counts: Cells) -> np.ndarray:
    """The harmonic mean of precision and recall (binary)."""
    return share(2 * counts.hits[..., 1], counts.actual[..., 1] + counts.predicted[..., 1])


def f_beta(beta: float) -> Callable[[Cells], np.ndarray]:
    """F with recall `beta` times as important as precision (binary; van Rijsbergen, 1979)."""
    square = beta * beta

    def measure(counts: Cells) -> np.ndarray:
        return share((1 + square) * counts.hits[..., 1], square * counts.actual[..., 1] + counts.predicted[..., 1])

    return measure


def mcc(counts: Cells) -> np.ndarray:
    """Matthews' correlation of truth and call (Gorodkin, 2004, for many classes); 0 where either is constant."""
    rows = counts.actual.sum(axis=-1)
    together = counts.hits.sum(axis=-1) * rows - (counts.actual * counts.predicted).sum(axis=-1)
    spread = (rows**2 - (counts.actual**2).sum(axis=-1)) * (rows**2 - (counts.predicted**2).sum(axis=-1))
    return share(together, np.sqrt(np.maximum(spread, 0.0)))


def cohen_kappa(counts: Cells) -> np.ndarray:
    """Agreement beyond what the class frequencies alone would give (Cohen, 1960); 0 where that is already all."""
    rows = counts.actual.sum(axis=-1)
    by_chance = (counts.actual * counts.predicted).sum(axis=-1)
    return share(counts.hits.sum(axis=-1) * rows - by_chance, rows**2 - by_chance)


def precisions(counts: Cells) -> np.ndarray:
    """Precision of every class."""
    return share(counts.hits, counts.predicted)


def recalls(counts: Cells) -> np.ndarray:
    """Recall of every class."""
    return share(counts.hits, counts.actual)


def specificities(counts: Cells) -> np.ndarray:
    """Of every class, which share of the other rows was not called it."""
    rows = counts.actual.sum(axis=-1, keepdims=True)
    others = rows - counts.actual
    return share(others - (counts.predicted - counts.hits), others)


def f1s(counts: Cells) -> np.ndarray:
    """F1 of every class."""
    return share(2 * counts.hits, counts.actual + counts.predicted)


def macro(per_class: Callable[[Cells], np.ndarray]) -> Callable[[Cells], np.ndarray]:
    """The plain mean of a per-class metric over the classes that occur or were called."""

    def average(counts: Cells) -> np.ndarray:
        present = (counts.actual + counts.predicted) > 0
        return share((per_class(counts) * present).sum(axis=-1), present.sum(axis=-1))

    return average


def weighted(per_class: Callable[[Cells], np.ndarray]) -> Callable[[Cells], np.ndarray]:
    """The mean of a per-class metric, each class weighted by its rows."""

    def average(counts: Cells) -> np.ndarray:
        return share((per_class(counts) * counts.actual).sum(axis=-1), counts.actual.sum(axis=-1))

    return average
