"""The expected calibration error without the part that chance alone shows, and its bounds.

The mean gap over bins is a sum of absolute values: noise in any bin pushes it up, so an honest model of 300 rows seems
to err by 7 %. Here the question is turned round: with which true gaps would an error as large as the one seen be
ordinary? True gaps are taken along one direction, the seen gaps smoothed over neighbouring bins, from none at all to
three times their size; at each size the error is simulated, and those sizes where the seen one falls into the middle
of the simulated ones are the interval (inversion of a bootstrap test; DiCiccio & Romano, 1990). The value is the size
whose simulated median is the error seen, which is as often too high as too low.
"""

from __future__ import annotations

import numpy as np

from millrace.evaluate.intervals import Bounds
from millrace.evaluate.probabilities import reliability

#: True gaps as multiples of the smoothed ones.
_SIZES = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2, 1.4, 1.7, 2.2, 3.0])
_DRAWS = 1000
#: What the simulated tails may hold together: less than 5 %, because the direction of the gaps is itself estimated.
#: By simulation (`bench/coverage.py`) this covers 93 to 97 %.
_TAILS = 0.036
_NEIGHBOURS = np.array([0.25, 0.5, 0.25])


def ece_bounds(truth: np.ndarray, probability: np.ndarray, rng: np.random.Generator) -> tuple[float, Bounds]:
    """The median-unbiased calibration error and its bounds; a lower bound of 0 says that it may all be chance.

    `truth` int64 ``[rows]``, `probability` of the positive ``[rows]`` or of every class ``[rows, classes]``.
    """
    bins = reliability(truth, probability)
    rows, promised = bins.rows.sum(), np.clip(bins.promised, 0.0, 1.0)
    share = bins.rows / rows
    seen = float(share @ np.abs(bins.true - bins.promised))
    chances = np.clip(promised + _SIZES[:, None] * _direction(bins.rows, bins.true - promised, seen), 0.0, 1.0)
    errors = np.abs(chances - promised) @ share
    counts = rng.multinomial(int(rows), share, size=_DRAWS)
    hits = rng.binomial(counts, chances[:, None, :])
    simulated = np.sort(np.abs(hits - counts * promised).sum(axis=2) / rows, axis=1)
    # Near 0 there is nothing below, so all that the tails may hold lies above; far from 0 they are equal.
    mean, spread = simulated.mean(axis=1), simulated.std(axis=1)
    below = _TAILS / 2 * np.clip((mean - mean[0]) / np.maximum(2 * spread, 1e-12), 0.0, 1.0)
    value = _where(_quantiles(simulated, np.full(len(_SIZES), 0.5)), errors, seen)
    low = _where(_quantiles(simulated, 1 - (_TAILS - below)), errors, seen)
    high = _where(_quantiles(simulated, below), errors, seen)
    return value, (min(low, value), max(high, value))


def _direction(rows: np.ndarray, gap: np.ndarray, size: float) -> np.ndarray:
    """The gaps, each averaged with its neighbours', scaled to the same mean size."""
    smooth = _smoothed(rows * gap) / _smoothed(rows)
    mean = float(rows @ np.abs(smooth) / rows.sum())
    direction: np.ndarray = smooth * (size / mean) if mean > 0 else smooth
    return direction


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.concatenate([[0.0], values, [0.0]])
    return np.convolve(padded, _NEIGHBOURS, mode="valid")


def _quantiles(ascending: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Of each row its own quantile, made to rise from row to row."""
    places = np.clip(np.round(shares * (ascending.shape[1] - 1)).astype(int), 0, ascending.shape[1] - 1)
    rising: np.ndarray = np.maximum.accumulate(ascending[np.arange(len(ascending)), places])
    return rising


def _where(curve: np.ndarray, errors: np.ndarray, seen: float) -> float:
    """The true error at which the rising curve reaches what was seen; 0 where it lies above from the start."""
    return 0.0 if seen <= curve[0] else float(np.interp(seen, curve, errors))
