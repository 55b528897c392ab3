"""How numbers are scaled for models that weigh them: straight, after a power, or by their rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from millrace.records.encoding import NumberEncoding
from millrace.train.encode import powered, ranked

#: Yeo-Johnson's power is at most so far from 1, and so far from 0 and 2, where it is a logarithm.
_FARTHEST, _NEAREST = 4.0, 1e-6
#: Numbers end here at the latest; and quartiles that leave larger ones are no scale, so that the deviation is.
_LARGEST = 1e30
#: A power is found on so many rows, spread evenly; ranks are told apart by so many knots.
_ROWS, _KNOTS = 2000, 33


def scaled(values: np.ndarray, found: NumberEncoding, scale: str) -> NumberEncoding:
    """The encoding with the scale of its training `values`, float64 ``[rows]``, clipped and filled already.

    `scale` is ``standard`` (deviation), ``robust`` (quartiles), ``power`` (deviation after Yeo-Johnson's power),
    ``quantile`` (the normal score of the rank) or ``none``.

    Examples
    --------
    >>> scaled(np.array([1.0, 2.0, 3.0, 9.0]), NumberEncoding("x"), "robust").center
    2.5
    """
    found = replace(found, power=None, knots=())
    if scale == "none":
        return replace(found, center=0.0, factor=1.0)
    if scale == "robust":
        low, middle, high = cuts(np.sort(values), (0.25, 0.5, 0.75))
        robust = replace(found, center=middle, factor=1 / (high - low) if high > low else 1.0)
        if np.abs((values[[values.argmin(), values.argmax()]] - middle) * robust.factor).max() < _LARGEST:
            return robust
    if scale == "power" and np.ptp(values) > 0:
        found = replace(found, power=power(values))
        values = powered(values, found.power or 1.0)
    elif scale == "quantile" and np.ptp(values) > 0:
        found = replace(found, knots=knots(values))
        values = ranked(values, found.knots)
    spread = float(values.std())
    return replace(found, center=float(values.mean()), factor=1 / spread if spread > 0 else 0.0)


def within_float32(low: float, high: float) -> tuple[float, float]:
    """Bounds that float32 can hold, and sums of many of them, where a number would otherwise become infinite.

    Examples
    --------
    >>> within_float32(0.0, 1e300)
    (0.0, 1e+30)
    """
    return float(np.clip(low, -_LARGEST, _LARGEST)), float(np.clip(high, -_LARGEST, _LARGEST))


def cuts(ordered: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Quantiles between neighbours, as `numpy.quantile` defines them; that takes ten times as long for few rows.

    Examples
    --------
    >>> cuts(np.array([0.0, 1.0, 4.0]), [0.25, 0.5])
    [0.5, 1.0]
    """
    places = np.asarray(shares) * (len(ordered) - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    found: list[float] = (ordered[below] + (places - below) * (ordered[above] - ordered[below])).tolist()
    return found


def power(values: np.ndarray) -> float:
    """The power after which values are most like a normal distribution (Yeo & Johnson, 2000; maximum likelihood)."""
    from scipy.stats import yeojohnson_normmax

    some = values[:: max(1, len(values) // _ROWS)]
    found = float(np.clip(yeojohnson_normmax(some if np.ptp(some) > 0 else values), 1 - _FARTHEST, 1 + _FARTHEST))
    for end in (0.0, 2.0):
        if abs(found - end) < _NEAREST:
            return end + _NEAREST
    return found


def knots(values: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Values spread evenly over the ranks, each with the normal score of its rank; equal values share the middle one.

    Examples
    --------
    >>> [(value, round(score, 2)) for value, score in knots(np.array([5.0, 5.0, 5.0, 7.0]))]
    [(5.0, -0.32), (7.0, 1.15)]
    """
    from scipy.stats import norm

    ordered = np.sort(values)
    places = np.linspace(0, len(ordered) - 1, _KNOTS).round().astype(np.int64)
    some = np.unique(ordered[places])
    ranks = (np.searchsorted(ordered, some, "left") + np.searchsorted(ordered, some, "right")) / 2
    scores = norm.ppf(ranks / len(ordered))
    return tuple(zip(some.tolist(), scores.tolist(), strict=True))
