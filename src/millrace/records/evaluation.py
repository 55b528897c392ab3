"""How good a model is, with how sure we are of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.records.conformal import Surroundings
from millrace.records.costs import Costs
from millrace.records.metric import Metric
from millrace.records.signature import Task
from millrace.records.weakest import Weakest

__all__ = ["Difference", "Evaluation", "Metric"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus reference in one metric, on the same rows, with a 95 % interval.

    `better` is True when the whole interval lies on the good side of zero, False when on the bad side, None when
    there is no evidence either way.
    """

    metric: str
    value: float
    low: float
    high: float
    better: bool | None
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one model on rows it never saw.

    `primary` names the metric that decides; `confusion[i][j]` counts rows of class i that were called class j, in the
    order of `classes`; `per_class` gives precision, recall, specificity and f1 of each; `importances` maps a column to
    the loss of the primary metric when it is shuffled. Where probabilities were calibrated, `uncalibrated` has the
    metrics of what they were before; `costs` and `surroundings` are there where calls have costs, and answers sets or
    intervals; `weakest` are the groups of rows where it does worst.
    """

    task: Task
    metrics: Mapping[str, Metric]
    primary: str
    rows: int
    advice: str = ""
    classes: tuple[str, ...] = ()
    positive: str | None = None
    threshold: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    per_class: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)
    importances: Mapping[str, Metric] = field(default_factory=dict)
    baseline: Mapping[str, Metric] = field(default_factory=dict)
    uncalibrated: Mapping[str, Metric] = field(default_factory=dict)
    costs: Costs | None = None
    surroundings: Surroundings | None = None
    weakest: Weakest | None = None
