"""Classes made equally frequent, on request, in what is learned from and nowhere else."""

from __future__ import annotations

import numpy as np


def resampled(truth: np.ndarray, how: str, seed: int) -> np.ndarray:
    """Row numbers to learn from, ascending: every class as frequent as the largest (`over`) or the smallest (`under`).

    Over: all rows, and rows of the smaller classes again, drawn with replacement. Under: rows of each class, drawn
    without. `truth` is int64 class indices.

    Examples
    --------
    >>> resampled(np.array([0, 0, 0, 1]), "over", 0).tolist()
    [0, 1, 2, 3, 3, 3]
    >>> len(resampled(np.array([0, 0, 0, 1]), "under", 0))
    2
    """
    draw, counts = np.random.default_rng(seed), np.bincount(truth)
    counts = counts[counts > 0]
    taken = []
    for one in np.unique(truth):
        rows = np.flatnonzero(truth == one)
        if how == "over":
            taken += [rows, draw.choice(rows, counts.max() - len(rows))]
        else:
            taken.append(draw.choice(rows, counts.min(), replace=False))
    return np.sort(np.concatenate(taken))
