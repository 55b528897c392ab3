"""At which probability a case should be called positive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from millrace.config.deciding import Floor
from millrace.errors import UsageError
from millrace.evaluate.cells import Cells
from millrace.evaluate.metrics import find
from millrace.evaluate.ranking import rank, steps

#: Used where the metric does not depend on a threshold.
_PROXY = "f1"


def best_threshold(
    truth: np.ndarray,
    probability: np.ndarray,
    *,
    metric: str = _PROXY,
    cost: Mapping[str, float] | None = None,
) -> float:
    """The threshold (positive where probability >= threshold) with the best metric or the least cost on these rows.

    Exact: every distinct score is tried, and "nobody". The threshold lies halfway to the next lower score, so that
    rounding elsewhere moves no row across it.

    Parameters
    ----------
    truth
        Class indices int64 ``[rows]``, 1 is the positive.
    probability
        Of the positive, float ``[rows]`` in 0…1.
    metric
        A metric of labels, such as f1 or mcc. For ranking metrics, which have no threshold, f1 is used.
    cost
        ``false_positive`` and ``false_negative``: what one of each costs; overrides `metric`.

    Raises
    ------
    UsageError
        When the metric is unknown, a cost is negative, or there are no rows.

    Examples
    --------
    >>> truth, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> round(best_threshold(truth, score, metric="f1"), 3)
    0.225
    >>> round(best_threshold(truth, score, cost={"false_positive": 5, "false_negative": 1}), 3)
    0.6
    """
    if len(truth) == 0 or len(truth) != len(probability):
        raise UsageError(
            f"{len(truth)} truths and {len(probability)} probabilities give no threshold.", where="threshold"
        )
    counts, thresholds = candidates(truth, probability)
    if cost is not None:
        score = -_cost(counts, cost)
    else:
        definition = find(metric, "binary")
        of_cells = definition.of_cells or find(_PROXY, "binary").of_cells
        assert of_cells is not None
        score = of_cells(counts)
    return float(thresholds[int(np.argmax(score))])


def floored_threshold(truth: np.ndarray, probability: np.ndarray, floor: Floor) -> tuple[float, bool]:
    """Of the thresholds at which a metric reaches its floor, the one where another is largest; whether any reaches it.

    Where none does, the threshold that comes nearest. Of equally good ones the highest.

    Examples
    --------
    >>> truth, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> found, reached = floored_threshold(truth, score, Floor("recall", 0.95, "precision"))
    >>> round(found, 3), reached
    (0.225, True)
    """
    counts, thresholds = candidates(truth, probability)
    floored, wanted = (_of_cells(name)(counts) for name in (floor.metric, floor.maximise))
    reached = floored >= floor.value - 1e-12
    score = np.where(reached, wanted, -np.inf) if reached.any() else floored
    return float(thresholds[int(np.argmax(score))]), bool(reached.any())


def _of_cells(name: str) -> Callable[[Cells], np.ndarray]:
    definition = find(name, "binary")
    if definition.of_cells is None:
        raise UsageError(f"`{name}` has the same value at every threshold.", where="threshold")
    return definition.of_cells


def candidates(truth: np.ndarray, probability: np.ndarray) -> tuple[Cells, np.ndarray]:
    """The confusion counts ``[candidates, 2]`` at every threshold worth trying, highest first, and the thresholds."""
    ranking = rank(truth, probability)
    positives, negatives = len(ranking.positives), len(ranking.negatives)
    scores, found, mistaken = steps(ranking)
    found, mistaken = np.append(0.0, found), np.append(0.0, mistaken)
    hits = np.stack([negatives - mistaken, found], axis=-1)
    called = np.stack([positives + negatives - found - mistaken, found + mistaken], axis=-1)
    actual = np.broadcast_to(np.array([negatives, positives], np.float64), hits.shape)
    return Cells(hits, actual, called), _halfway(scores, np.asarray(probability))


def _halfway(scores: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Thresholds that call "nobody", then everything from each score on."""
    every = np.unique(probability).astype(np.float64)
    place = np.searchsorted(every, scores.astype(np.float64))
    lower = np.where(place > 0, every[np.maximum(place - 1, 0)], 0.0)
    nobody = max((every[-1] + 1.0) / 2, float(np.nextafter(np.float32(every[-1]), np.float32(2))))
    halfway = (scores.astype(np.float64) + lower) / 2
    # A graph holds the threshold in float32: where that would round down to the lower score, take the score itself.
    rounded_down = (halfway.astype(np.float32) <= lower) & (place > 0)
    return np.append(nobody, np.where(rounded_down, scores, halfway))


def _cost(counts: Cells, cost: Mapping[str, float]) -> np.ndarray:
    known = ("false_positive", "false_negative")
    wrong = [name for name in cost if name not in known or cost[name] < 0]
    if wrong:
        raise UsageError(f"`{wrong[0]}: {cost[wrong[0]]}` is not a cost.", where="threshold", allowed=known)
    false_positives = counts.predicted[..., 1] - counts.hits[..., 1]
    false_negatives = counts.predicted[..., 0] - counts.hits[..., 0]
    total: np.ndarray = (
        cost.get("false_positive", 1.0) * false_positives + cost.get("false_negative", 1.0) * false_negatives
    )
    return total
