"""How the averaged probabilities of a model become honest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["temperature", "sigmoid", "isotonic"]

#: Probabilities stay this far off 0 and 1 before their logarithm is taken.
EDGE = 1e-7


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points from left to right, level before the first and after the last; float64."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A map of probabilities, applied in float64 between the average of the members and the threshold.

    ``temperature``: of two classes the sigmoid of `slopes[0]` times the logit; of more the softmax of `slopes[0]` times
    the logarithm (Guo et al., 2017). ``sigmoid``: the sigmoid of a slope times the logit plus an offset (Platt, 1999).
    ``isotonic``: a rising curve (Zadrozny & Elkan, 2002), its steps joined at their centres so that it does not jump.
    The last two have one map for the positive of two classes, and of more one for each, whose results are then divided
    by their sum.
    """

    method: Method
    slopes: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = ()
