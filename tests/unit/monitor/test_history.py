"""Every decision is on record, and has a beginning."""

from millrace.monitor.history import history, remember
from millrace.records.monitoring import Alarm, Decision


def look(hour: int, decision: str, *columns: str) -> Decision:
    alarms = tuple(Alarm("drift", column, "chi_squared", 1.0, "moved") for column in columns)
    return Decision(decision, "because", alarms, package="churn", version=1, at=f"2026-05-03T{hour:02}:00:00+00:00")


def test_a_decision_that_is_no_news_is_written_once(store):
    for hour in range(5):
        assert remember(store, look(hour, "keep")) == "2026-05-03T00:00:00+00:00"
    assert len(history(store)) == 1


def test_a_condition_began_when_it_was_first_decided_whichever_columns_alarm(store):
    remember(store, look(0, "keep"))
    assert remember(store, look(1, "retrain", "a")) == "2026-05-03T01:00:00+00:00"
    assert remember(store, look(2, "retrain", "a", "b")) == "2026-05-03T01:00:00+00:00"
    assert remember(store, look(3, "keep")) == "2026-05-03T03:00:00+00:00"
    assert remember(store, look(4, "retrain", "a")) == "2026-05-03T04:00:00+00:00"
    assert [each.decision for each in history(store)] == ["keep", "retrain", "retrain", "keep", "retrain"]
