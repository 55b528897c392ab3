"""A worker's thread that follows the store: the champion and what is tried beside it, access keys, and counts."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from millrace.errors import MillraceError
from millrace.records.traffic import Traffic
from millrace.serve.child import Orders
from millrace.serve.core import Core
from millrace.serve.lanes import Lanes, Loaded
from millrace.serve.metrics import Board
from millrace.serve.opening import opened
from millrace.serve.tokens import Tokens
from millrace.store import traffic
from millrace.store.keys import KeyRing
from millrace.store.objects import Store
from millrace.store.releases import champion
from millrace.store.segments import SegmentWriter
from millrace.store.signing import Trust

#: How often a worker logs what it counted: in at most so many seconds it is part of what monitoring sees.
COUNT_SECONDS = 10.0
#: A new champion answers at most this long after its release, plus the time to open it.
FOLLOW_SECONDS = 0.5

Given = TypeVar("Given")


class Follower:
    """Puts each new champion, challenger and shadow in place, learns of keys, and posts the worker's counts."""

    def __init__(
        self,
        orders: Orders,
        store: Store,
        core: Core,
        board: Board,
        loop: asyncio.AbstractEventLoop,
        keys: tuple[KeyRing | None, Tokens | None] = (None, None),
        trust: Trust | None = None,
    ) -> None:
        self._orders = orders
        self._store = store
        self._core = core
        self._board = board
        self._loop = loop
        self._keys = keys
        self._trust = trust
        self._told: dict[str, str] = {}
        self._refused: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> None:
        if self._orders.version is None and (lanes := self._new()):
            _close(self._core.replace(lanes))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._board.post(self._core.counters)

    def _run(self) -> None:
        counted = time.monotonic()
        while not self._stop.wait(FOLLOW_SECONDS):
            self._board.post(self._core.counters)
            for known in self._keys:
                if known:
                    self._once(f"{known!r}", known.refresh, "the known access keys stay")
            if time.monotonic() - counted >= COUNT_SECONDS:
                counted = time.monotonic()
                self._loop.call_soon_threadsafe(self._core.note_counts)
            if self._orders.version is None and (lanes := self._new()):
                self._place(lanes)

    def _place(self, lanes: Lanes) -> None:
        """Let the worker's loop change over between two requests, then end the logs of what is gone."""
        gone: Future[list[SegmentWriter]] = Future()
        self._loop.call_soon_threadsafe(lambda: gone.set_result(self._core.replace(lanes)))
        while not self._stop.is_set():
            try:
                return _close(gone.result(FOLLOW_SECONDS))
            except TimeoutError:
                continue
        # The worker ends: what is still to be placed never answers.
        return None

    def _new(self) -> Lanes | None:
        """What is to answer from now on, when that is something else.

        The old goes on where the new cannot be trusted.
        """
        here = self._core.lanes
        found = self._once("traffic", self._released, f"version {here.champion.version} goes on answering")
        if found is None:
            return None
        version, tried = found
        if version == here.champion.version and tried == here.traffic:
            return None
        first = self._opened(version, "champion")
        if first is None:
            return None
        challenger = self._opened(tried.challenger.version, "challenger") if tried and tried.challenger else None
        shadow = self._opened(tried.shadow.version, "shadow") if tried and tried.shadow else None
        return Lanes(first, challenger, shadow, tried)

    def _released(self) -> tuple[int, Traffic | None] | None:
        release = champion(self._store)
        if release is None or release.package != self._orders.package:
            return None
        return release.version, traffic.current(self._store, release)

    def _opened(self, version: int, role: str) -> Loaded | None:
        """The model of a version: one that is here already, else from the store; None, told once, when it cannot be."""
        known = {loaded.version: loaded for loaded in self._core.lanes.all}
        if version in known:
            return known[version]
        serving = self._core.loaded.version
        words = f"version {serving} goes on answering" if role == "champion" else f"there is no {role}"
        loaded = self._once(
            f"{role} {version}",
            lambda: self._core.prepared(opened(self._store, self._orders.package, version, self._trust)),
            words,
        )
        if loaded is None and version not in self._refused:
            self._refused.add(version)
            self._core.counters.failed_switches += 1
        return loaded

    def _once(self, what: str, do: Callable[[], Given], words: str) -> Given | None:
        """What `do` gives; None when it fails, and the reason in the server's log unless it was told already."""
        try:
            done = do()
        except (MillraceError, OSError) as error:
            if self._told.get(what) != str(error):
                self._told[what] = str(error)
                logging.getLogger("millrace.serve").error("%s: %s", words, error)
            return None
        self._told.pop(what, None)
        return done


def _close(logs: list[SegmentWriter]) -> None:
    for log in logs:
        log.close()
