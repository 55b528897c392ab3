"""Who is tried beside the champion, with how much of the traffic, and by what it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.records.release import Release

#: Written into every entry of the traffic log; readers accept every older one.
FORMAT = 1

#: What a prediction is worth once its outcome is known; `OUTCOMES` says it in words.
OutcomeName = Literal["accuracy", "brier", "absolute_error", "squared_error", "outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """By what champion and challenger are compared, each prediction once its outcome was reported.

    `of` names the class whose rate counts, for the outcome ``outcome`` of a classifier; `higher` is whether more is
    better.
    """

    name: OutcomeName
    higher: bool
    of: str = ""


@dataclass(frozen=True, slots=True)
class Challenger:
    """Version `version` answers a part `weight` (0 to 1) of the askers; `salt` and an asker's key say which ones.

    The verdict waits until each side has `minimum` askers with an outcome. The trial ends without one at `maximum`
    askers, and as a tie once the difference is surely less than `margin` (in units of the outcome). `false_verdicts`
    is the chance of a verdict between two equal models, however often it is looked at. `sticky` names the field that
    is the key where a request names none. `since` (ISO 8601 in UTC) is when it began to be counted.
    """

    version: int
    weight: float
    outcome: Outcome
    salt: str
    sticky: str = ""
    minimum: int = 200
    maximum: int = 1_000_000
    margin: float = 0.0
    false_verdicts: float = 0.05
    since: str = ""


@dataclass(frozen=True, slots=True)
class Shadow:
    """Version `version` hears a part `weight` (0 to 1) of the requests; its answers go to the log alone."""

    version: int
    weight: float = 1.0
    since: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """One entry of the traffic log: from `at` on, this is tried beside the champion of release `release`.

    `number` counts from 1 without gaps; `at` is ISO 8601 in UTC. Another champion ends what is tried.
    """

    number: int
    package: str
    release: int
    challenger: Challenger | None
    shadow: Shadow | None
    at: str
    by: str
    reason: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the compared saw: askers with an outcome, and the mean of what their outcomes are worth."""

    version: int
    askers: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """How a challenger or shadow does: challenger minus champion, with an interval that holds at every look.

    `verdict` is the state in one word, `words` in a sentence; `difference`, `low` and `high` are None while an interval
    cannot be given. `more` is how many more askers a verdict may take at the difference seen, None where that is
    unknown.
    """

    role: Literal["challenger", "shadow"]
    weight: float
    outcome: Outcome
    champion: Side
    other: Side
    difference: float | None
    low: float | None
    high: float | None
    verdict: Literal["better", "worse", "equal", "undecided", "collecting", "over"]
    words: str
    more: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who answers now, who is tried beside it since when, and how the trials stand."""

    package: str
    champion: int
    since: str
    traffic: Traffic | None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Concluded:
    """What was done about a trial: a promotion when the challenger is better, its end when no verdict is to come."""

    trial: Trial
    release: Release | None
    stopped: Traffic | None
