"""One worker process: opens the model and the log, follows the champion, answers.

Started by Granian through `create`; nothing here runs at import.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from millrace.errors import MillraceError
from millrace.privacy.columns import privacy
from millrace.serve.app import App, Limits
from millrace.serve.body import MEBIBYTE
from millrace.serve.child import Orders, end_with_parent
from millrace.serve.core import Core
from millrace.serve.metrics import Board
from millrace.serve.opening import opened
from millrace.store.keys import KeyRing
from millrace.store.objects import Store
from millrace.store.prediction_log import wal
from millrace.store.releases import champion
from millrace.store.segments import SegmentWriter
from millrace.store.signing import Trust

#: How often a worker logs what it counted: in at most so many seconds it is part of what monitoring sees.
COUNT_SECONDS = 10.0
#: A new champion answers at most this long after its release, plus the time to open it.
FOLLOW_SECONDS = 0.5


def create() -> App:
    """The application of this worker, as its orders say."""
    orders = Orders.received()
    end_with_parent()
    store = Store(orders.store)
    private = privacy(orders.pii, os.environ, "serve")
    trust = Trust.read(orders.trust) if orders.trust else None
    core = Core(opened(store, orders.package, orders.first, trust), private)
    board = Board(orders.board_folder, str(os.getpid()))
    ring = KeyRing(store) if orders.keys == "required" else None
    if ring:
        ring.refresh()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        follower = Follower(orders, store, core, board, asyncio.get_running_loop(), ring, trust)
        with SegmentWriter(wal(store), lambda: core.loaded.opening) as log, follower:
            core.write_to(log, predictions=orders.log == "all")
            yield
            core.note_counts()

    limits = Limits(orders.body_mib * MEBIBYTE, orders.queue, orders.rate)
    return App(core, board, lifespan, os.environ, ring, limits, secure=orders.certificate is not None)


class Follower:
    """A thread that puts each new champion in place, learns of keys, and posts the worker's counts for the others."""

    def __init__(
        self,
        orders: Orders,
        store: Store,
        core: Core,
        board: Board,
        loop: asyncio.AbstractEventLoop,
        ring: KeyRing | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._orders = orders
        self._store = store
        self._core = core
        self._board = board
        self._loop = loop
        self._ring = ring
        self._trust = trust
        self._unread = ""
        self._stop = threading.Event()
        self._refused: int | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._board.post(self._core.counters)

    def _run(self) -> None:
        counted = time.monotonic()
        while not self._stop.wait(FOLLOW_SECONDS):
            self._board.post(self._core.counters)
            self._refresh()
            if time.monotonic() - counted >= COUNT_SECONDS:
                counted = time.monotonic()
                self._loop.call_soon_threadsafe(self._core.note_counts)
            if self._orders.version is None:
                self._follow()

    def _refresh(self) -> None:
        """Learn of new and revoked keys; keys that cannot be read now are told once, and those known go on."""
        if self._ring is None:
            return
        try:
            self._ring.refresh()
            self._unread = ""
        except (MillraceError, OSError) as error:
            if str(error) != self._unread:
                self._unread = str(error)
                logging.getLogger("millrace.serve").error("the known access keys stay: %s", error)

    def _follow(self) -> None:
        """Put the champion in place if it is another one; keep the old when the new one cannot be trusted."""
        serving = self._core.loaded.model.manifest.version
        version = None
        try:
            release = champion(self._store)
            if release is None or release.package != self._orders.package or release.version == serving:
                return
            version = release.version
            loaded = self._core.prepared(opened(self._store, release.package, version, self._trust))
        except (MillraceError, OSError) as error:
            if version is None or version != self._refused:
                self._refused = version
                self._core.counters.failed_switches += 1
                logging.getLogger("millrace.serve").error("version %s goes on answering: %s", serving, error)
            return
        self._loop.call_soon_threadsafe(self._core.replace, loaded)
