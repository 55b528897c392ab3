"""One wheel per project, on one machine and on several that share a store."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from millrace.errors import UsageError
from millrace.store.objects import Store
from millrace.wheel import alone as lock
from millrace.wheel.alone import Holder, alone, turning


def test_a_second_wheel_is_refused_and_told_who_turns_it(tmp_path: Path) -> None:
    store, stop = Store(tmp_path), threading.Event()
    assert not turning(store)
    with alone(store, stop) as holder:
        assert turning(store)
        with pytest.raises(UsageError, match=f"process {holder.pid} of {holder.host}"), alone(store, stop):
            pass
        assert turning(store)
    assert not turning(store)
    with alone(store, stop):
        pass


@pytest.fixture
def elsewhere(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Store(f"{bucket}/lake")


def other(ago: float) -> bytes:
    at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
    return msgspec.json.encode(Holder("othermachine", 7, at, at))


def test_another_machine_that_lives_is_respected(elsewhere: Store) -> None:
    elsewhere.write(lock.LEASE, other(30))
    assert turning(elsewhere)
    with pytest.raises(UsageError, match="process 7 of othermachine"), alone(elsewhere, threading.Event()):
        pass


def test_another_machine_that_is_silent_is_succeeded(elsewhere: Store) -> None:
    elsewhere.write(lock.LEASE, other(61))
    with alone(elsewhere, threading.Event()) as holder:
        assert msgspec.json.decode(elsewhere.read(lock.LEASE) or b"", type=Holder) == holder
    assert elsewhere.read(lock.LEASE) is None


def test_of_two_that_took_the_lease_at_one_instant_one_stops(elsewhere: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    stop = threading.Event()
    with alone(elsewhere, stop) as holder:
        elsewhere.write(lock.LEASE, msgspec.json.encode(replace(holder, host="othermachine")))
        assert stop.wait(20)
