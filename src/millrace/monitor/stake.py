"""Whether a retraining for harm is worth what it costs: the loss expected until the next one by schedule, in money."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from millrace.config.schema import RetrainSettings
from millrace.config.triggers import parse_trigger
from millrace.records.metric import Metric
from millrace.records.monitoring import HARMS, Decision, Stake

if TYPE_CHECKING:
    import polars as pl

#: The metric of costs: the mean cost of a prediction.
_COST = "cost"
_DAY = 86400.0


def weigh(decision: Decision, settings: RetrainSettings, released: str, per_day: float) -> Decision:
    """The decision with what is at stake, in words; one for harm alone that is not worth its cost keeps the model.

    `released` is when the champion became it (ISO 8601), `per_day` how many predictions are served. Nothing changes
    without `settings.cost`, or while nobody knows what the harm costs.

    Examples
    --------
    >>> from millrace.records.monitoring import Alarm, Performance
    >>> now, then = (Metric(mean, mean, mean, False) for mean in (0.5, 0.3))
    >>> seen = Performance("", "", 900, 900, {"cost": now}, {"cost": then})
    >>> harmed = (Alarm("performance", None, "cost", 0.5, "cost is 0.5"),)
    >>> decision = Decision("retrain", "cost is 0.5.", harmed, at="2026-05-21T00:00:00+00:00", performance=seen)
    >>> settings = RetrainSettings(when=("harm", "30 days"), cost=200)
    >>> weighed = weigh(decision, settings, "2026-05-01T00:00:00+00:00", 50)
    >>> weighed.decision, weighed.stake.expected
    ('keep', 100.0)
    """
    kinds = {alarm.kind for alarm in decision.alarms}
    loss = _loss(decision)
    if settings.cost is None or decision.decision != "retrain" or not kinds & HARMS or loss is None:
        return decision
    stake = Stake(loss, per_day, _days(settings, released, decision.at), settings.cost)
    decision = replace(decision, stake=stake, reason=f"{decision.reason} {_said(stake)}")
    if stake.worth or kinds - HARMS - {"kpi"}:
        return decision
    slow = next((alarm for alarm in decision.alarms if alarm.kind == "kpi"), None)
    if slow is None:
        return replace(decision, decision="keep")
    return replace(decision, decision="fix", reason=f"The service is not what it should be: {slow.evidence}.")


def daily(times: pl.Series, now: datetime, window: float, released: str) -> float:
    """How many predictions a day were served in the last `window` seconds, at least a day, or since the release.

    `times` are those of the champion's predictions.
    """
    start = max(now - timedelta(seconds=max(window, _DAY)), datetime.fromisoformat(released))
    seconds = max((now - start).total_seconds(), 1.0)
    return int((times > start).sum()) / seconds * _DAY


def _loss(decision: Decision) -> float | None:
    """How much more a prediction costs than promised, by its outcomes or by the estimate before them; the larger."""
    seen, found = decision.performance, decision.unlabelled
    pairs: list[tuple[float, Metric]] = []
    if seen is not None and _COST in seen.metrics and _COST in seen.promised:
        pairs.append((seen.metrics[_COST].value, seen.promised[_COST]))
    if found is not None and found.alarmed and found.metric == _COST and found.value is not None and found.promised:
        pairs.append((found.value, found.promised))
    return max((value - promised.value for value, promised in pairs), default=None)


def _days(settings: RetrainSettings, released: str, at: str) -> float:
    """How many days it is until the champion is trained anew by schedule; 0 when it is due."""
    triggers = [parse_trigger(text) for text in settings.when]
    interval = min(one for one in triggers if isinstance(one, float))
    age = (datetime.fromisoformat(at) - datetime.fromisoformat(released)).total_seconds()
    return max(interval - age, 0.0) / _DAY


def _said(stake: Stake) -> str:
    ends = "more than" if stake.worth else "not more than"
    alone = "" if stake.worth else "; so harm alone starts none"
    return (
        f"A prediction costs {stake.loss:.3g} more than promised; with {_amount(stake.per_day)} a day, for the "
        f"{stake.days:.3g} days until the next retraining by schedule, that is {_amount(stake.expected)}, {ends} the "
        f"{_amount(stake.cost)} of a retraining{alone}."
    )


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
