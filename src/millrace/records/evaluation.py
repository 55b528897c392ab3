"""How good a model is, with how sure we are of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.records.signature import Task


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured value and the interval in which the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float
    higher_is_better: bool = True


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
    the loss of the primary metric when it is shuffled.
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
