"""One wheel per project: a lock that the death of its holder frees, and for stores elsewhere a lease besides."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from millrace.errors import MillraceError, RemoteError, UsageError
from millrace.store.objects import Store
from millrace.store.prediction_log import wal

LEASE = "up/lease.json"
#: How often the holder of a lease says that it lives, and after how many seconds of silence it is taken for dead.
BEAT_SECONDS, DEAD_SECONDS = 15.0, 60.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who turns the wheel: a process of a machine, and when it last said so (ISO 8601)."""

    host: str
    pid: int
    since: str
    at: str


@contextmanager
def alone(store: Store, stop: threading.Event) -> Iterator[Holder]:
    """Turn the wheel of `store` alone while the block lasts. Raises `UsageError` when somebody else does.

    On one machine a file lock tells, which ends with its process however that dies. Machines that share a store
    elsewhere see each other by a lease, renewed every `BEAT_SECONDS`; should two take it at one instant, the one that
    finds the other's name in it sets `stop`. Until then both do what is done once all the same, by the commits of
    tables and logs.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(socket.gethostname(), os.getpid(), now, now)
    with _locked(_lock_file(store), holder):
        if store.local:
            yield holder
            return
        _claim(store, holder)
        with _renewed(store, holder, stop):
            yield holder
        with suppress(RemoteError):
            store.delete([LEASE])


def turning(store: Store) -> bool:
    """Whether somebody turns the wheel of `store` now."""
    path = _lock_file(store)
    if path.exists():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    other = None if store.local else _lease(store)
    return other is not None and _alive(other)


def _lock_file(store: Store) -> Path:
    return wal(store) / ".up"


@contextmanager
def _locked(path: Path, holder: Holder) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _taken(_read(file.read())) from None
        file.truncate(0)
        file.write(msgspec.json.encode(holder))
        file.flush()
        yield


def _claim(store: Store, holder: Holder) -> None:
    other = _lease(store)
    if other is not None and _alive(other):
        raise _taken(other)
    store.write(LEASE, msgspec.json.encode(holder))


@contextmanager
def _renewed(store: Store, holder: Holder, stop: threading.Event) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            with suppress(MillraceError):  # a store that does not answer now is asked again with the next beat
                found = _lease(store)
                if found is not None and replace(found, at=holder.at) != holder:
                    stop.set()
                    return
                at = datetime.now(UTC).isoformat(timespec="seconds")
                store.write(LEASE, msgspec.json.encode(replace(holder, at=at)))

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _lease(store: Store) -> Holder | None:
    return _read(store.read(LEASE) or b"")


def _read(content: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(content, type=Holder)
    except msgspec.DecodeError:  # it is just being written
        return None


def _alive(holder: Holder) -> bool:
    silent = datetime.now(UTC) - datetime.fromisoformat(holder.at)
    return silent < timedelta(seconds=DEAD_SECONDS)


def _taken(holder: Holder | None) -> UsageError:
    who = f"process {holder.pid} of {holder.host} since {holder.since}" if holder else "another process"
    return UsageError(
        f"`millrace up` turns this project already: {who}. Nothing was started.",
        where="up",
        code="up.running",
        next_step="millrace up --status, or end that process first",
    )
