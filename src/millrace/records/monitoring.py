"""What monitoring states: alarms with evidence, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from millrace.records.message import Delivery
from millrace.records.metric import Metric
from millrace.records.spread import Spread

#: fix: what arrives is broken, and no model mends that.
Verdict = Literal["keep", "fix", "retrain", "roll back"]


#: The kinds of alarm that say that answers are worse than promised.
HARMS = frozenset({"performance", "harm"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """A statement with evidence: what kind, about which column, how large.

    `kind` is drift, missing, unseen, range, performance, harm (seen without outcomes), volume or kpi; `statistic` names
    what was measured and `value` its size.
    """

    kind: str
    column: str | None
    statistic: str
    value: float
    evidence: str


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column moved from the package's profile.

    `value` and `p_value` are of the test named in `statistic`, the column's most telling one; `effect` is a size from 0
    to 1 that does not grow with the number of rows; `alarmed` needs both, under control of all columns. `alarms` are
    all that the column gave rise to, and `spread` is their picture.
    """

    column: str
    statistic: str
    value: float
    p_value: float
    effect: float
    alarmed: bool
    alarms: tuple[Alarm, ...] = ()
    spread: Spread | None = None


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget was used in the last `seconds` (`long`) and a twelfth of them (`short`); 1 is just allowed.

    It alarms when both are above `limit`, the long one beyond chance. Of an indicator without a budget, `long` and
    `short` are 1 where it was out of bounds and 0 elsewhere.
    """

    seconds: float
    limit: float
    long: float
    short: float
    alarmed: bool


@dataclass(frozen=True, slots=True)
class Indicator:
    """What a service is held to (`bound`), and what it did: `value` with its 95 % interval, of so many `events`.

    Shares are from 0 to 1, latencies in milliseconds, throughput in rows a second; None where nothing is known.
    """

    name: str
    bound: str
    value: float | None
    low: float | None
    high: float | None
    events: int
    burns: tuple[Burn, ...]
    alarmed: bool
    budgeted: bool


@dataclass(frozen=True, slots=True)
class Performance:
    """How good answers given from `start` to `end` (ISO 8601) turned out to be: every metric beside the held-out one.

    `outcomes` of `predictions` are known; there are no `metrics` where those are too few. `promised` are the package's
    own, measured on rows that it never saw.
    """

    start: str
    end: str
    predictions: int
    outcomes: int
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    promised: Mapping[str, Metric] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """What can be said of the newest `rows` answers before their truth is known, and what that rests on.

    `value` is the estimated metric with the bounds of its band, None where the rows lie too far from those whose truth
    is known; `promised` is the held-out one. `flagged` is the share of answers that likely have a large error, `usual`
    that of held-out rows; `outside` is the share of rows with a value that the model was never trained on.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    promised: Metric | None
    flagged: float
    flagged_low: float
    flagged_high: float
    usual: float
    alarmed: bool
    outside: float
    rows: int
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stake:
    """What is at stake until the next retraining by schedule, in the currency in which costs are stated.

    A prediction costs `loss` more than promised, `per_day` are served, for so many `days`; a retraining has its `cost`.
    """

    loss: float
    per_day: float
    days: float
    cost: float

    @property
    def expected(self) -> float:
        """The loss that is expected until then."""
        return self.loss * self.per_day * self.days

    @property
    def worth(self) -> bool:
        """Whether that is more than a retraining costs."""
        return self.expected > self.cost


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and why; `since` when looks have said so, and what became of telling people.

    `performance` is that of the newest window whose outcomes are due; None where no prediction is old enough. `stake`
    is what a retraining for harm was weighed against, where the project file says what one costs.
    """

    decision: Verdict
    reason: str
    alarms: tuple[Alarm, ...] = ()
    columns: Mapping[str, ColumnDrift] = field(default_factory=dict)
    rows: int = 0
    package: str = ""
    version: int = 0
    at: str = ""
    since: str = ""
    deliveries: tuple[Delivery, ...] = ()
    kpis: tuple[Indicator, ...] = ()
    performance: Performance | None = None
    unlabelled: Unlabelled | None = None
    stake: Stake | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """How one set of rows differs from another: every column, the furthest first, and a verdict in words.

    `rows` are those of the reference and of the current set; `left_out` are columns that could not be compared.
    """

    drifted: bool
    verdict: str
    columns: Mapping[str, ColumnDrift]
    rows: tuple[int, int]
    left_out: tuple[str, ...] = ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms of all columns."""
        return tuple(alarm for column in self.columns.values() for alarm in column.alarms)
