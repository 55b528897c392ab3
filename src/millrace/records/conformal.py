"""What else may be true beside an answer: sets of classes and intervals of values with a stated coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.records.calibration import Curve
from millrace.records.metric import Metric


@dataclass(frozen=True, slots=True)
class Conformal:
    """How far around an answer the truth lies in a share `coverage` of rows (split conformal; Vovk et al., 2005).

    A class belongs to the set of a row where its float32 probability is at or above its cut, and where it is the label.
    A value's interval reaches as far down and up as the height of `reach` at the value.
    """

    coverage: float
    cuts: tuple[float, ...] = ()
    reach: Curve | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How well sets or intervals did on rows the model never saw.

    `covered` is the share of rows whose truth lay inside, `size` the mean number of classes or width; `per_class` is
    the share covered within each class.
    """

    promised: float
    covered: Metric
    size: Metric
    per_class: Mapping[str, Metric] = field(default_factory=dict)
