"""A rising curve through outcomes: pooled adjacent violators, joined at their centres."""

from __future__ import annotations

import numpy as np

from millrace.records.calibration import Curve

#: A step of fewer rows than this, or than this share of all, is joined with its neighbour.
_STEP_ROWS, _STEP_SHARE = 10, 0.01


def isotonic(outcome: np.ndarray, score: np.ndarray) -> Curve:
    """The rising curve nearest to the outcomes along the scores (Ayer et al., 1955), through the centres of its steps.

    `outcome` bool or float ``[rows]``, `score` float ``[rows]``. Shares stay a pseudo-row off 0 and 1, so no answer is
    ever certain; small steps are joined, so the curve is nowhere steeper than ten rows can tell.

    Examples
    --------
    >>> isotonic(np.array([False] * 15 + [True] * 15), np.array([0.2] * 15 + [0.6] * 15)).x
    (0.2, 0.6)
    """
    from scipy.optimize import isotonic_regression

    places, back = np.unique(score, return_inverse=True)
    rows = np.bincount(back).astype(np.float64)
    hits = np.bincount(back, weights=outcome)
    steps = isotonic_regression(hits / rows, weights=rows).blocks[:-1]
    table = np.add.reduceat(np.stack([rows, places * rows, hits]), steps, axis=1)
    counts, sums, found = _joined(table, max(_STEP_ROWS, _STEP_SHARE * len(score)))
    edge = 1.0 / (len(score) + 2)
    heights = np.clip(found / counts, edge, 1 - edge)
    return Curve(tuple((sums / counts).tolist()), tuple(heights.tolist()))


def _joined(table: np.ndarray, fewest: float) -> np.ndarray:
    """Neighbouring columns added up from the left until each has enough rows; what is left over joins the last."""
    ends = np.cumsum(table[0])
    firsts, taken = [0], 0.0
    for i, end in enumerate(ends):
        if end - taken >= fewest and ends[-1] - end >= fewest:
            firsts.append(i + 1)
            taken = end
    joined: np.ndarray = np.add.reduceat(table, firsts, axis=1)
    return joined
