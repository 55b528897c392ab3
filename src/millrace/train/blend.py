"""Which models answer together, and with which weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from millrace.train.scorer import Scorer

MAX_STEPS = 25
#: Every member is computed for every request.
MAX_MEMBERS = 3


def blend(outputs: Sequence[np.ndarray], truth: np.ndarray, scorer: Scorer) -> dict[int, float]:
    """Weights by position in `outputs` that sum to 1, chosen greedily on rows that were held out of learning.

    Starting from the best model, the one that helps the mean most is added again and again, with replacement, until
    none helps (Caruana et al., Ensemble selection from libraries of models, 2004). At most three models get a weight.

    Examples
    --------
    >>> def error(truth, value):
    ...     return float(np.abs(truth - value).mean())
    >>> high, low, off = np.array([2.0, 4.0]), np.array([0.0, 2.0]), np.array([9.0, 9.0])
    >>> blend([high, low, off], np.array([1.0, 3.0]), Scorer("mae", error, higher_is_better=False))
    {0: 0.5, 1: 0.5}
    """
    picks: list[int] = []
    total = np.zeros_like(outputs[0])
    best: float | None = None
    for _ in range(MAX_STEPS):
        pick, score = _next(outputs, truth, scorer, total, picks)
        if best is not None and not scorer.better(score, best):
            break
        best = score
        picks.append(pick)
        total = total + outputs[pick]
    return {pick: times / len(picks) for pick, times in Counter(picks).items()}


def _next(
    outputs: Sequence[np.ndarray], truth: np.ndarray, scorer: Scorer, total: np.ndarray, picks: Sequence[int]
) -> tuple[int, float]:
    """The model whose addition gives the best mean, and that mean's score; of equal ones the first."""
    full = len(set(picks)) >= MAX_MEMBERS
    allowed = sorted(set(picks)) if full else range(len(outputs))
    chosen, best = -1, float("nan")
    for place in allowed:
        score = scorer.score(truth, (total + outputs[place]) / (len(picks) + 1))
        if chosen < 0 or scorer.better(score, best):
            chosen, best = place, score
    return chosen, best
