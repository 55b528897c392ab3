"""A retraining for harm is weighed against what it costs, in words, where the project file says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from millrace.config.schema import RetrainSettings
from millrace.monitor.due import due
from millrace.monitor.stake import daily, weigh
from millrace.records.metric import Metric
from millrace.records.monitoring import Alarm, Decision, Performance, Unlabelled

RELEASED, AT = "2026-05-01T00:00:00+00:00", "2026-05-19T00:00:00+00:00"
HARM = Alarm("performance", None, "cost", 0.5, "cost is 0.5")
UNSEEN = Alarm("harm", None, "likely_wrong_share", 0.2, "20% are likely wrong")
DRIFT = Alarm("drift", "size", "ks", 0.3, "`size` moved")
SLOW = Alarm("kpi", None, "p99_latency_ms", 80.0, "p99_latency_ms is 80")


def cost(value: float) -> Metric:
    return Metric(value, value - 0.01, value + 0.01, higher_is_better=False)


#: 0.2 more than promised.
SEEN = Performance("", "", 900, 900, {"cost": cost(0.5)}, {"cost": cost(0.3)})


def look(*alarms: Alarm, performance: Performance | None = SEEN, unlabelled: Unlabelled | None = None) -> Decision:
    return Decision("retrain", "the reason.", alarms, at=AT, performance=performance, unlabelled=unlabelled)


def settings(price: float | None = 200, *when: str) -> RetrainSettings:
    return RetrainSettings(when=when or ("harm", "30 days"), cost=price)


@pytest.mark.parametrize(
    ("per_day", "said", "trains"),
    [
        (100, "240, more than the 200 of a retraining.", True),
        (80, "192, not more than the 200 of a retraining; so harm alone starts none.", False),
    ],
)
def test_the_sum_is_told_and_decides(per_day: float, said: str, trains: bool) -> None:
    weighed = weigh(look(HARM), settings(), RELEASED, per_day)
    told = f"with {per_day} a day, for the 12 days until the next retraining by schedule, that is {said}"
    assert weighed.reason == f"the reason. A prediction costs 0.2 more than promised; {told}"
    assert weighed.decision == ("retrain" if trains else "keep")
    assert (due(settings(), weighed, RELEASED) is not None) is trains


def test_drift_is_a_reason_of_its_own_and_harm_beside_it_is_none() -> None:
    weighed = weigh(look(HARM, DRIFT), settings(), RELEASED, 80)
    assert weighed.decision == "retrain"
    assert due(settings(200, "harm", "30 days"), weighed, RELEASED) is None
    assert due(settings(200, "drift", "harm", "30 days"), weighed, RELEASED) == weighed.reason


def test_what_the_service_lacks_is_still_asked_for_and_hinders_no_schedule() -> None:
    weighed = weigh(look(HARM, SLOW), settings(), RELEASED, 80)
    assert (weighed.decision, weighed.reason) == ("fix", "The service is not what it should be: p99_latency_ms is 80.")
    assert due(settings(200, "harm", "18 days"), weighed, RELEASED) is not None


@pytest.mark.parametrize(
    ("decision", "asked"),
    [
        (look(HARM), settings(None)),
        (look(DRIFT), settings()),
        (look(UNSEEN, performance=None), settings()),
        (look(HARM, performance=Performance("", "", 9, 9)), settings()),
        (Decision("roll back", "the reason.", (HARM,), at=AT, performance=SEEN), settings()),
    ],
    ids=["no cost is stated", "no harm", "nobody knows the loss", "too few outcomes", "a roll back costs nothing"],
)
def test_otherwise_nothing_changes(decision: Decision, asked: RetrainSettings) -> None:
    assert weigh(decision, asked, RELEASED, 1) is decision


def test_without_outcomes_the_estimate_is_what_is_lost() -> None:
    found = Unlabelled("cost", 0.6, 0.5, 0.7, cost(0.3), 0.2, 0.1, 0.3, 0.05, True, 0.0, 900, ())
    weighed = weigh(look(UNSEEN, performance=None, unlabelled=found), settings(), RELEASED, 100)
    assert weighed.stake
    assert weighed.stake.expected == pytest.approx(0.3 * 100 * 12)


def test_predictions_a_day_are_those_of_the_window_or_since_the_release() -> None:
    now = datetime(2026, 5, 19, tzinfo=UTC)
    times = pl.Series([now - timedelta(hours=hour) for hour in range(96)])  # one an hour
    assert daily(times, now, 3600.0, RELEASED) == 24
    assert daily(times, now, 2 * 86400.0, RELEASED) == 24
    assert daily(times, now, 86400.0, (now - timedelta(hours=6)).isoformat()) == 24
    assert daily(times - timedelta(days=5), now, 86400.0, RELEASED) == 0  # nobody asks any more
