"""What monitoring states: alarms with evidence, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["keep", "retrain", "roll back"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A statement with evidence: what kind, about which column, how large.

    `kind` is drift, missing, unseen, range, performance or volume; `statistic` names what was measured
    and `value` its size.
    """

    kind: str
    column: str | None
    statistic: str
    value: float
    evidence: str


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column moved from the package's profile.

    `p_value` is of the test named in `statistic`; `effect` is a size that does not grow with the number of rows;
    `alarmed` needs both, under control of all columns.
    """

    column: str
    statistic: str
    value: float
    p_value: float
    effect: float
    alarmed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and why."""

    decision: Verdict
    reason: str
    alarms: tuple[Alarm, ...] = ()
    columns: Mapping[str, ColumnDrift] = field(default_factory=dict)
    rows: int = 0
    package: str = ""
    version: int = 0
    at: str = ""
