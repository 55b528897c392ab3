"""Intervals for a mean and a difference that hold at every look, so that nobody needs to wait for a planned end.

The normal mixture of Robbins (1970) with the estimated variance: the asymptotic confidence sequence of Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central limit theory and asymptotic confidence sequences", Annals of
Statistics, 2024). In the limit of many values the chance that the interval *ever* misses the truth is at most `alpha`;
`bench/ab.py` measures it for few. All of it takes numbers, or arrays of one shape with a look in each place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """How many values were seen, their mean, and their variance (of the population)."""

    rows: float | np.ndarray
    mean: float | np.ndarray
    variance: float | np.ndarray


class Interval(NamedTuple):
    """A mean or difference with what surrounds it."""

    value: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray


def mean(seen: Moments, alpha: float, tightest: float) -> Interval:
    """The interval of a mean at this look; narrowest when about `tightest` values were seen.

    `alpha` is the chance that it misses the truth at any look, ever.

    Examples
    --------
    >>> [round(float(end), 4) for end in mean(Moments(1000, 0.1, 1.0), 0.05, 1000)]
    [0.1, 0.004, 0.196]
    """
    half = radius(seen.rows, np.sqrt(seen.variance), alpha, tightest)
    return Interval(seen.mean, seen.mean - half, seen.mean + half)


def difference(one: Moments, other: Moments, alpha: float, tightest: float) -> Interval:
    """The interval of `other` minus `one`, for values of two groups that do not depend on each other.

    The two counts are taken together as n₁n₂/(n₁+n₂), where the variances agree; `tightest` counts so too.

    Examples
    --------
    >>> [round(float(end), 4) for end in difference(Moments(2000, 0.4, 1.0), Moments(2000, 0.5, 1.0), 0.05, 1000)]
    [0.1, 0.004, 0.196]
    """
    error = one.variance / one.rows + other.variance / other.rows
    pooled = (one.rows * one.variance + other.rows * other.variance) / (one.rows + other.rows)
    half = radius(pooled / error, np.sqrt(pooled), alpha, tightest)
    value = other.mean - one.mean
    return Interval(value, value - half, value + half)


def radius(
    count: float | np.ndarray, deviation: float | np.ndarray, alpha: float, tightest: float
) -> float | np.ndarray:
    """Half the width after `count` values with this standard deviation.

    Examples
    --------
    >>> round(float(radius(1000, 1.0, 0.05, 1000)), 4)
    0.096
    """
    # The width at `tightest` is about the least for this mixture (Howard et al., 2021, section 3.5).
    scale = tightest / (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1))
    return deviation * np.sqrt((count + scale) * np.log((count + scale) / (scale * alpha**2))) / count


def needed(value: float, deviation: float, alpha: float, tightest: float) -> float:
    """How many values it takes until the interval of a mean that stays at `value` leaves 0 out; inf for no difference.

    Examples
    --------
    >>> round(needed(0.09598, 1.0, 0.05, 1000), -2)
    1000.0
    """
    if value == 0.0:
        return math.inf
    low, high = 0.5, 1.0
    while radius(high, deviation, alpha, tightest) > abs(value):
        low, high = high, 2 * high
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if radius(middle, deviation, alpha, tightest) > abs(value) else (low, middle)
    return high
