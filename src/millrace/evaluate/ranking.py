"""How well scores put positives above negatives: ROC, precision and recall, and their areas.

Positives and negatives are sorted once, each on their own (numbers sort several times faster than rows do);
everything else is a search in sorted arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from millrace.evaluate.intervals import Bounds, around, error_of, freedom_of, wilson


@dataclass(frozen=True, slots=True)
class Ranking:
    """The scores of the positives and of the negatives, each ascending."""

    positives: np.ndarray
    negatives: np.ndarray


def rank(truth: np.ndarray, score: np.ndarray) -> Ranking:
    """Sort the scores of class 1 and of the rest."""
    positive = truth == 1
    return Ranking(np.sort(score[positive]), np.sort(score[~positive]))


def steps(ranking: Ranking) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is called at each distinct positive score, highest first: thresholds, true positives, false positives.

    Between two of them a threshold only adds false positives, so these are all that curves and choices need.
    """
    scores, first = np.unique(ranking.positives, return_index=True)
    found = len(ranking.positives) - first
    mistaken = len(ranking.negatives) - np.searchsorted(ranking.negatives, scores, side="left")
    return scores[::-1], found[::-1].astype(np.float64), mistaken[::-1].astype(np.float64)


def _below(sorted_scores: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which share of `sorted_scores` lies below each score, ties counted half."""
    left = np.searchsorted(sorted_scores, scores, side="left")
    right = np.searchsorted(sorted_scores, scores, side="right")
    return (left + right) / (2.0 * len(sorted_scores))


def one_area(positive: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The area and the rows' influences for one class against the rest (DeLong, 1988; Sun & Xu, 2014)."""
    ranking = rank(positive, score)
    above, below = len(ranking.positives), len(ranking.negatives)
    if not above or not below:
        return None
    influence = np.empty(len(score))
    placed = _below(ranking.negatives, score[positive])
    area = float(placed.mean())
    influence[positive] = (placed - area) / above
    influence[~positive] = (1.0 - _below(ranking.positives, score[~positive]) - area) / below
    return area, influence


def roc_auc_influence(truth: np.ndarray, probability: np.ndarray) -> tuple[float, np.ndarray]:
    """The area under the ROC curve and each row's influence on it; many classes: the mean of one against the rest.

    `probability` is the positive's ``[rows]`` or every class's ``[rows, classes]``. Where truth holds one class only,
    nothing can be ranked: 0.5.
    """
    columns = probability.T if probability.ndim == 2 else (probability,)
    offset = 1 if probability.ndim == 1 else 0
    parts = [part for i, score in enumerate(columns) if (part := one_area(truth == i + offset, score)) is not None]
    if not parts:
        return 0.5, np.zeros(len(truth))
    return float(np.mean([area for area, _ in parts])), np.mean([influence for _, influence in parts], axis=0)


def roc_auc(truth: np.ndarray, probability: np.ndarray) -> float:
    """How often a random positive scores above a random negative, ties counted half.

    Examples
    --------
    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    if probability.ndim == 2:
        return roc_auc_influence(truth, probability)[0]
    ranking = rank(truth, probability)
    if not len(ranking.positives) or not len(ranking.negatives):
        return 0.5
    return float(_below(ranking.negatives, ranking.positives).mean())


def roc_auc_bounds(truth: np.ndarray, probability: np.ndarray, _: np.random.Generator) -> tuple[float, Bounds]:
    """The area and its bounds: DeLong's variance on the logit scale.

    A flawless ranking shows no variance; its lower bound is Wilson's for the smaller class without a miss.
    """
    if probability.ndim == 2:
        value, influence = roc_auc_influence(truth, probability)
        error, freedom = error_of(influence), freedom_of(influence, truth)
    else:
        ranking = rank(truth, probability)
        if not len(ranking.positives) or not len(ranking.negatives):
            return 0.5, (0.0, 1.0)
        placed = _below(ranking.negatives, ranking.positives)
        misplaced = _below(ranking.positives, ranking.negatives)
        value = float(placed.mean())
        error, freedom = float(np.sqrt(placed.var() / len(placed) + misplaced.var() / len(misplaced))), None
    counts = np.bincount(truth)
    return value, area_bounds(value, error, float(counts[counts > 0].min()), freedom)


def area_bounds(value: float, error: float, smallest: float, freedom: float | None = None) -> Bounds:
    """The bounds of an area with this standard error, where the smallest class has so many rows.

    Without its degrees of freedom, those of twice the smallest class.
    """
    if error == 0.0 and value in {0.0, 1.0}:
        return wilson(value * smallest, smallest)
    return around(value, error, "logit", int(2 * smallest) if freedom is None else freedom + 1)


def average_precision(truth: np.ndarray, probability: np.ndarray) -> float:
    """The mean precision over the positives, each at its own score as threshold; 0 without positives.

    Examples
    --------
    >>> round(average_precision(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    ranking = rank(truth, probability)
    if not len(ranking.positives):
        return 0.0
    _, found, mistaken = steps(ranking)
    return _area(np.diff(found, prepend=0.0), found, mistaken)


def _area(gained: np.ndarray, found: np.ndarray, mistaken: np.ndarray) -> float:
    return float((gained * found / (found + mistaken)).sum() / found[-1])


def weighted_precision(truth: np.ndarray, probability: np.ndarray) -> Callable[[np.ndarray], float]:
    """Average precision as a function of row weights; the rows are sorted once, here."""
    order = np.argsort(-probability, kind="stable")
    last = np.append(np.flatnonzero(np.diff(probability[order])), len(probability) - 1)
    positive = truth[order] == 1

    def measure(weights: np.ndarray) -> float:
        weight = weights[order]
        found = np.cumsum(weight * positive)[last]
        called = np.cumsum(weight)[last]
        return float((np.diff(found, prepend=0.0) * found / called).sum() / found[-1]) if found[-1] else 0.0

    return measure


def average_precision_bounds(
    truth: np.ndarray, probability: np.ndarray, rng: np.random.Generator
) -> tuple[float, Bounds]:
    """The average precision and its bounds: a weighted bootstrap's error on the logit scale (Boyd et al., 2013).

    Positives are resampled in at most 1,024 groups of neighbours, so the cost does not grow with the rows.
    """
    ranking = rank(truth, probability)
    positives = len(ranking.positives)
    if not positives:
        return 0.0, (0.0, 1.0)
    _, found, mistaken = steps(ranking)
    value = _area(np.diff(found, prepend=0.0), found, mistaken)
    if value == 1.0:
        return value, wilson(positives, positives)
    ends = np.unique(np.linspace(0, len(found) - 1, min(len(found), 1024)).round().astype(int))
    gained = np.diff(found[ends], prepend=0.0)
    erred = np.diff(mistaken[ends], prepend=0.0)
    up = rng.standard_gamma(gained, size=(400, len(ends)))
    down = rng.standard_gamma(erred, size=(400, len(ends)))
    found_drawn = np.cumsum(up, axis=1)
    called_drawn = found_drawn + np.cumsum(down, axis=1)
    draws = (up * found_drawn / called_drawn).sum(axis=1) / found_drawn[:, -1]
    # Weights of a Bayesian bootstrap vary a little less than rows do, which shows where there are few positives.
    error = float(draws.std()) * float(np.sqrt((positives + 1) / max(positives - 1, 1)))
    return value, around(value, error, "logit", positives)
