"""Told once, delivered at last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from millrace.notify.outbox import deliver, fire, post, told
from millrace.notify.registry import receivers
from millrace.notify.silences import silence, silences
from millrace.records.message import Silence

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
DAY = 86400.0


@pytest.fixture
def say(store, message):
    def spoken(at=NOON, receivers=(), **changes):
        return post(store, replace(message, at=at.isoformat(), **changes), receivers, cooldown=DAY)

    return spoken


@pytest.fixture
def ways(http):
    return receivers([{"webhook": http.url}])


def test_the_same_condition_is_told_once_per_cooldown(say):
    assert say().identity.endswith("/1")
    assert say(NOON + timedelta(hours=23), what="other words") is None
    assert say(NOON + timedelta(hours=24)).identity.endswith("/2")


@pytest.mark.parametrize("change", [{"decision": "retrain"}, {"version": 4}, {"package": "other"}])
def test_another_condition_does_not_wait_for_the_first_ones_cooldown(say, change):
    say()
    assert say(**change) is not None


def test_a_message_is_delivered_once(store, say, ways, http):
    said = say(receivers=ways)
    (done,) = deliver(store, ways, NOON)
    assert (done.message, done.state, done.attempts, done.error) == (said.identity, "sent", 1, "")
    assert deliver(store, ways, NOON + timedelta(days=1)) == ()
    assert http.keys == [said.identity]


def test_a_failed_delivery_waits_longer_each_time_and_arrives_at_last(store, say, ways, http):
    say(receivers=ways)
    http.status = 503
    (first,) = deliver(store, ways, NOON)
    assert (first.state, first.attempts, first.error) == ("waiting", 1, "127.0.0.1 answered 503.")
    (early,) = deliver(store, ways, NOON + timedelta(seconds=59))
    assert (early.attempts, len(http.got)) == (1, 1)
    (second,) = deliver(store, ways, NOON + timedelta(seconds=60))
    assert (second.attempts, len(http.got)) == (2, 2)
    (early,) = deliver(store, ways, NOON + timedelta(seconds=179))
    assert early.attempts == 2
    http.status = 200
    (last,) = deliver(store, ways, NOON + timedelta(seconds=180))
    assert (last.state, last.attempts) == ("sent", 3)
    assert len(set(http.keys)) == 1


def test_one_channel_that_fails_does_not_hold_up_another(store, say, http):
    ways = receivers([{"webhook": "http://127.0.0.1:9/"}, {"webhook": http.url}])
    say(receivers=ways)
    assert [done.state for done in deliver(store, ways, NOON)] == ["waiting", "sent"]


def test_a_corrected_address_gets_what_the_wrong_one_could_not(store, say, ways, http):
    wrong = receivers([{"webhook": "http://127.0.0.1:9/"}])
    say(receivers=wrong)
    deliver(store, wrong, NOON)
    assert [done.state for done in deliver(store, ways, NOON)] == ["sent"]


def test_an_added_channel_gets_no_old_stories(store, say, ways, http):
    say(receivers=ways)
    deliver(store, ways, NOON)
    assert deliver(store, ways | receivers([{"slack": http.url}]), NOON) == ()


def test_a_test_message_goes_past_the_outbox(store, message, ways, http):
    (done,) = fire(ways, message)
    assert done.state == "sent"
    assert deliver(store, ways, NOON) == ()


@pytest.fixture
def quiet(store):
    """Ask for silence about a decision, from noon on."""

    def asked(decision, **lasting):
        until = (NOON + timedelta(**lasting)).isoformat()
        return silence(store, Silence(decision, until, by="ann", at=NOON.isoformat()))

    return asked


@pytest.mark.parametrize("decision", ["roll back", "all"])
def test_what_somebody_has_taken_on_is_told_to_nobody_until_then(store, say, ways, http, quiet, decision):
    quiet(decision, hours=2)
    assert say(NOON + timedelta(hours=1), receivers=ways) is None
    assert deliver(store, ways, NOON + timedelta(hours=1)) == ()
    assert say(NOON + timedelta(hours=2), receivers=ways) is not None
    assert [done.state for done in deliver(store, ways, NOON + timedelta(hours=2))] == ["sent"]
    assert silences(store, NOON + timedelta(hours=2)) == ()


def test_a_silence_is_about_one_decision_and_can_be_ended(store, say, ways, quiet):
    quiet("retrain", hours=2)
    assert say(receivers=ways) is not None
    assert say(decision="retrain") is None
    quiet("retrain", hours=0)
    assert say(decision="retrain") is not None


def test_a_message_that_waits_rests_while_there_is_silence(store, say, ways, http, quiet):
    http.status = 503
    say(receivers=ways)
    deliver(store, ways, NOON)
    quiet("roll back", days=1)
    assert deliver(store, ways, NOON + timedelta(hours=1)) == ()
    http.status = 200
    assert [done.state for done in deliver(store, ways, NOON + timedelta(days=1))] == ["sent"]


@pytest.fixture
def both(http):
    """One who is told at once, and one who is told after four hours."""
    return receivers([{"slack": http.url}, {"webhook": http.url, "after": "4 hours"}])


def test_the_next_person_is_told_when_nobody_took_it_on(store, say, both, http):
    say(receivers=both)
    (first,) = deliver(store, both, NOON)
    assert first.channel.startswith("slack-")
    assert deliver(store, both, NOON + timedelta(hours=3, minutes=59)) == ()
    (next_,) = deliver(store, both, NOON + timedelta(hours=4))
    assert (next_.channel.partition("-")[0], next_.state) == ("webhook", "sent")
    assert "nobody took it on" in http.got[-1]["evidence"][-1]
    (record,) = told(store)
    assert (len(record.sent), record.waiting) == (2, ())


def test_the_next_person_is_spared_what_somebody_took_on(store, say, both, quiet):
    say(receivers=both)
    deliver(store, both, NOON)
    quiet("roll back", hours=6)
    assert deliver(store, both, NOON + timedelta(hours=5)) == ()


def test_the_next_person_is_spared_what_is_over_for_good(store, say, both, http):
    say(receivers=both)
    deliver(store, both, NOON)
    assert deliver(store, both, NOON + timedelta(hours=1), lambda _: False) == ()
    assert deliver(store, both, NOON + timedelta(hours=5)) == ()
    assert len(http.got) == 1
    assert told(store)[0].waiting == ()
