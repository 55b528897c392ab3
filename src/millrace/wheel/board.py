"""The status of the wheel, where everybody can read it: ``up/status.json``, rewritten as things change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

import msgspec

from millrace.errors import RemoteError, UsageError
from millrace.records.turning import JobState, WheelStatus
from millrace.store.objects import Store
from millrace.wheel.alone import turning

STATUS = "up/status.json"
#: What changed is written at once; that something was looked at again without news, after so many seconds.
_WRITE_SECONDS = 5.0


class Board:
    """Keeps the status of the wheel and writes it down; `champion` says who is champion, at every writing.

    A store that does not answer now gets what is newest later on. May be used from several threads.
    """

    def __init__(self, store: Store, status: WheelStatus, champion: Callable[[], str]) -> None:
        self._store, self._champion = store, champion
        self._status = status
        self._guard = threading.Lock()
        self._stale = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="board", daemon=True)

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with self._guard:
            self._status = replace(self._status, running=False, url="", serving="", status_url="")
        self._write()

    def note(self, jobs: tuple[JobState, ...]) -> None:
        """The jobs stand like this now."""
        with self._guard:
            news = _news(jobs) != _news(self._status.jobs)
            self._status = replace(self._status, jobs=jobs)
        if news:
            self._write()
        else:
            self._stale.set()

    def serving(self, url: str, said: str) -> None:
        """Predictions are answered at `url`, or are not, as `said` tells."""
        with self._guard:
            self._status = replace(self._status, url=url, serving=said)
        self._write()

    def page(self, url: str) -> None:
        """Its status is answered at `url`."""
        with self._guard:
            self._status = replace(self._status, status_url=url)
        self._write()

    def current(self) -> WheelStatus:
        """How the wheel stands now."""
        with self._guard:
            return self._status

    def _tend(self) -> None:
        while not self._ended.wait(_WRITE_SECONDS):
            if self._stale.is_set():
                self._write()

    def _write(self) -> None:
        self._stale.clear()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        with self._guard, suppress(RemoteError):
            self._status = replace(self._status, at=at, champion=self._champion())
            self._store.write(STATUS, msgspec.json.format(msgspec.json.encode(self._status)))


def last_written(store: Store) -> WheelStatus | None:
    """What the newest wheel wrote down last; None before the first."""
    content = store.read(STATUS)
    return msgspec.json.decode(content, type=WheelStatus) if content else None


def status(store: Store) -> WheelStatus:
    """How the wheel stands; one whose process was killed is not running. Raises `UsageError` before the first."""
    written = last_written(store)
    if written is None:
        raise UsageError("Nobody has turned this project yet.", where="up", code="up.never", next_step="millrace up")
    if turning(store):
        return replace(written, running=True)
    return replace(written, running=False, url="", status_url="")


def _news(jobs: tuple[JobState, ...]) -> list[tuple[object, ...]]:
    return [(job.name, job.said, job.failures, job.error) for job in jobs]
