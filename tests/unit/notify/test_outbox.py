"""Told once, delivered at last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from millrace.notify.outbox import deliver, fire, post
from millrace.notify.registry import channels

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
DAY = 86400.0


@pytest.fixture
def say(store, message):
    def spoken(at=NOON, receivers=(), **changes):
        return post(store, replace(message, at=at.isoformat(), **changes), receivers, cooldown=DAY)

    return spoken


@pytest.fixture
def ways(http):
    return channels([{"webhook": http.url}])


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
    ways = channels([{"webhook": "http://127.0.0.1:9/"}, {"webhook": http.url}])
    say(receivers=ways)
    assert [done.state for done in deliver(store, ways, NOON)] == ["waiting", "sent"]


def test_a_corrected_address_gets_what_the_wrong_one_could_not(store, say, ways, http):
    wrong = channels([{"webhook": "http://127.0.0.1:9/"}])
    say(receivers=wrong)
    deliver(store, wrong, NOON)
    assert [done.state for done in deliver(store, ways, NOON)] == ["sent"]


def test_an_added_channel_gets_no_old_stories(store, say, ways, http):
    say(receivers=ways)
    deliver(store, ways, NOON)
    assert deliver(store, ways | channels([{"slack": http.url}]), NOON) == ()


def test_a_test_message_goes_past_the_outbox(store, message, ways, http):
    (done,) = fire(ways, message)
    assert done.state == "sent"
    assert deliver(store, ways, NOON) == ()
