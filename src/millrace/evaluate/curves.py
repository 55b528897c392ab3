"""The points of the curves that a report and a dashboard draw: few enough to draw, exact where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.evaluate.cells import f1, precision, recall
from millrace.evaluate.thresholds import candidates

#: More points than this cannot be told apart on a screen.
POINTS = 240


@dataclass(frozen=True, slots=True)
class Curve:
    """Two parallel float64 arrays."""

    x: np.ndarray
    y: np.ndarray


def roc(truth: np.ndarray, probability: np.ndarray) -> Curve:
    """False positive rate and recall at every threshold, from "nobody" to "everybody".

    Examples
    --------
    >>> roc(np.array([0, 1]), np.array([0.2, 0.9])).y.tolist()
    [0.0, 1.0, 1.0]
    """
    counts, _ = candidates(truth, probability)
    negatives, positives = np.maximum(counts.actual[0], 1)
    false = np.append((counts.predicted[:, 1] - counts.hits[:, 1]) / negatives, 1.0)
    found = np.append(counts.hits[:, 1] / positives, 1.0)
    return Curve(false[kept := _thin(len(false))], found[kept])


def precision_recall(truth: np.ndarray, probability: np.ndarray) -> Curve:
    """Recall and precision at every threshold that calls somebody."""
    counts, _ = candidates(truth, probability)
    kept = 1 + _thin(len(counts.hits) - 1)
    return Curve(recall(counts)[kept], precision(counts)[kept])


@dataclass(frozen=True, slots=True)
class ByThreshold:
    """Precision, recall and F1 over thresholds, parallel float64 arrays."""

    threshold: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


def by_threshold(truth: np.ndarray, probability: np.ndarray) -> ByThreshold:
    """What each threshold that calls somebody would give."""
    counts, thresholds = candidates(truth, probability)
    kept = 1 + _thin(len(thresholds) - 1)
    return ByThreshold(thresholds[kept], precision(counts)[kept], recall(counts)[kept], f1(counts)[kept])


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of rows in bins: `edges` float64 ``[bins + 1]``, `shares` float64 ``[bins]`` that sum to 1."""

    edges: np.ndarray
    shares: np.ndarray


def histogram(values: np.ndarray, bins: int, low: float, high: float) -> Histogram:
    """How values spread over equal bins of low…high; what lies outside counts in the outermost."""
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    return Histogram(edges, counts / max(len(values), 1))


@dataclass(frozen=True, slots=True)
class Cloud:
    """Rows binned in two directions: centres and counts of the bins that hold any, parallel arrays."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray


def cloud(x: np.ndarray, y: np.ndarray, bins: int) -> Cloud:
    """Where points lie, on a grid of `bins` by `bins` over their ranges."""
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=bins)
    i, j = np.nonzero(counts)
    return Cloud((x_edges[i] + x_edges[i + 1]) / 2, (y_edges[j] + y_edges[j + 1]) / 2, counts[i, j])


def _thin(points: int) -> np.ndarray:
    """Which of the points to draw: the first, the last, and evenly between."""
    return np.unique(np.linspace(0, points - 1, min(points, POINTS)).round().astype(np.int64))
