"""From a decision to people, as the lifecycle does it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from millrace.config.schema import ProjectSettings
from millrace.engine.here import Here
from millrace.lifecycle import Site
from millrace.records.monitoring import Alarm, Decision
from millrace.records.progress import unwatched
from millrace.wheel.watching import tell, try_alerts

NOW = datetime.now(UTC).isoformat(timespec="seconds")
ALARMS = tuple(Alarm("drift", f"c{number}", "chi_squared", 1.0, f"`c{number}` moved") for number in range(7))


@pytest.fixture
def site(store, http, tmp_path):
    settings = ProjectSettings.model_validate(
        {
            "project": "churn",
            "sources": {"rows": {"from": "rows.csv"}},
            "model": {"predict": "Churn"},
            "monitor": {"alert": [{"webhook": http.url}]},
        }
    )
    return Site(settings, store, tmp_path, Here(), unwatched)


def test_a_decision_to_keep_is_told_to_nobody(site, http):
    assert tell(site, Decision("keep", "fine", at=NOW, since=NOW)).deliveries == ()
    assert http.got == []


def test_a_decision_to_act_is_told_once_with_the_first_evidence_and_the_command(site, http):
    decision = Decision("retrain", "c0 moved.", ALARMS, package="churn", version=1, at=NOW, since=NOW)
    assert [one.state for one in tell(site, decision).deliveries] == ["sent"]
    assert tell(site, decision).deliveries == ()
    (got,) = http.got
    assert got["command"] == "millrace retrain"
    assert got["evidence"] == [*(f"`c{n}` moved" for n in range(5)), "and 2 more: millrace monitor"]


def test_what_could_not_be_delivered_is_said_with_every_look(site, http):
    http.status = 500
    decision = Decision("retrain", "c0 moved.", ALARMS, package="churn", version=1, at=NOW, since=NOW)
    for _ in range(2):
        (waiting,) = tell(site, decision).deliveries
        assert (waiting.state, waiting.error) == ("waiting", "127.0.0.1 answered 500.")


def test_a_test_message_says_that_it_is_one(site, http):
    assert [one.state for one in try_alerts(site)] == ["sent"]
    assert http.got[0]["what"] == "This is a test; nothing is wrong."


def test_the_next_person_is_spared_when_the_next_look_finds_nothing(site, http):
    later = site.settings.monitor.model_copy(update={"alert": ({"webhook": http.url, "after": "50 s"},)})
    site = replace(site, settings=site.settings.model_copy(update={"monitor": later}))
    now = datetime.now(UTC)
    at = now.isoformat(timespec="seconds")
    decision = Decision("retrain", "c0 moved.", ALARMS, package="churn", version=1, at=at, since=at)
    assert tell(site, decision).deliveries == ()
    assert tell(site, replace(decision, decision="keep")).deliveries == ()
    with time_machine.travel(now + timedelta(minutes=5)):
        assert tell(site, decision).deliveries == ()
    assert http.got == []
