"""When to train again."""

import pytest

from millrace.config.schema import RetrainSettings
from millrace.monitor.due import due
from millrace.records.monitoring import Alarm, Decision

RELEASED = "2026-05-01T00:00:00+00:00"
DRIFT = Alarm("drift", "size", "chi_squared", 80.0, "`size` moved")
SLOW = Alarm("kpi", None, "p99_latency_ms", 80.0, "p99_latency_ms is 80")
HARM = Alarm("performance", None, "roc_auc", 0.6, "roc_auc is 0.6")


def look(decision, *alarms, day=3):
    return Decision(decision, "the reason", alarms, at=f"2026-05-{day:02}T00:00:00+00:00")


@pytest.mark.parametrize(
    ("when", "decision", "trains"),
    [
        (("drift",), look("retrain", DRIFT), True),
        (("harm",), look("retrain", DRIFT), False),
        (("harm",), look("retrain", HARM), True),
        (("drift",), look("retrain", HARM), False),
        (("drift", "harm"), look("keep"), False),
        (("7 days",), look("keep", day=7), False),
        (("7 days",), look("keep", day=8), True),
        (("7 days",), look("retrain", DRIFT), False),
        (("drift", "7 days"), look("fix", DRIFT, day=20), False),
        (("drift", "7 days"), look("fix", DRIFT, SLOW, day=20), False),
        (("drift", "harm"), look("fix", SLOW), False),
        (("drift",), look("retrain", HARM, SLOW), False),
        (("7 days",), look("fix", SLOW, day=20), True),
    ],
)
def test_only_what_the_project_file_admits_is_a_reason(when, decision, trains):
    assert (due(RetrainSettings(when=when), decision, RELEASED) is not None) == trains


def test_the_age_of_the_champion_is_a_reason_of_its_own():
    reason = due(RetrainSettings(when=("drift", "1 week")), look("keep", day=9), RELEASED)
    assert reason == "The champion is 8 days old; `retrain.when` says 1 week."
