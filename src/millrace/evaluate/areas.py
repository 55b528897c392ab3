"""Areas under the ROC curve for many classes, weighted by rows or pair by pair, with each row's influence.

One class against the rest hides a pair that is confused behind the many rows that are not; one against one does not
depend on how frequent the classes are (Hand & Till, 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from millrace.evaluate.intervals import Bounds, error_of, freedom_of
from millrace.evaluate.ranking import area_bounds, one_area

#: ``(truth, probabilities) -> (area, influence of each row)``.
Influence = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def against_rest(truth: np.ndarray, probability: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of one class against the rest, classes weighted by their rows; one class alone gives 0.5.

    `truth` int64 ``[rows]``, `probability` ``[rows, classes]``; the influences are float64 ``[rows]``.
    """
    members = [truth == i for i in range(probability.shape[1])]
    parts = [one_area(member, probability[:, i]) for i, member in enumerate(members)]
    return _averaged(len(truth), [(member, *part) for member, part in zip(members, parts, strict=True) if part])


def one_against_one(*, weighted: bool) -> Influence:
    """The mean over all pairs of classes that occur, each judged on its own rows and from both sides.

    `weighted` lets a pair count by its rows, as scikit-learn's ``average="weighted"`` does.
    """

    def measure(truth: np.ndarray, probability: np.ndarray) -> tuple[float, np.ndarray]:
        members = [truth == i for i in range(probability.shape[1])]
        occurring = [i for i, member in enumerate(members) if member.any()]
        parts = []
        for a, b in combinations(occurring, 2):
            pair = members[a] | members[b]
            sides = [one_area(members[i][pair], probability[pair, i]) for i in (a, b)]
            (first, one), (second, other) = (side for side in sides if side is not None)
            influence = np.zeros(len(truth))
            influence[pair] = (one + other) / 2
            parts.append((pair, (first + second) / 2, influence))
        return _averaged(len(truth), parts, weighted=weighted)

    return measure


def _averaged(
    rows: int, parts: list[tuple[np.ndarray, float, np.ndarray]], *, weighted: bool = True
) -> tuple[float, np.ndarray]:
    """The mean of areas; where rows make the weights, a row also moves the weight of every part it is in."""
    if not parts:
        return 0.5, np.zeros(rows)
    weights = np.array([member.sum() / rows if weighted else 1.0 for member, _, _ in parts])
    areas = np.array([area for _, area, _ in parts])
    mean = float(weights @ areas / weights.sum())
    influence = np.zeros(rows)
    for weight, (member, area, own) in zip(weights, parts, strict=True):
        influence += weight * own
        if weighted:
            influence[member] += (area - mean) / rows
    return mean, influence / weights.sum()


def value_of(influence: Influence) -> Callable[[np.ndarray, np.ndarray], float]:
    """The area alone."""
    return lambda truth, probability: influence(truth, probability)[0]


def bounds_of(influence: Influence) -> Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[float, Bounds]]:
    """The area and its bounds: the delta method on the logit scale."""

    def measure(truth: np.ndarray, probability: np.ndarray, _: np.random.Generator) -> tuple[float, Bounds]:
        value, influences = influence(truth, probability)
        counts = np.bincount(truth)
        if (counts > 0).sum() < 2:
            return value, (0.0, 1.0)
        smallest = float(counts[counts > 0].min())
        return value, area_bounds(value, error_of(influences), smallest, freedom_of(influences, truth))

    return measure
