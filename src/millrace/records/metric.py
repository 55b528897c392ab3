"""A measured value with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured value and the interval in which the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float
    higher_is_better: bool = True
