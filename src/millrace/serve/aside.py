"""The shadow of a server: it hears requests beside what is answered next, never before it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from millrace.serve.lanes import Lane
from millrace.serve.metrics import Counters

#: Requests that may wait for the shadow; it hears no more of those that come meanwhile.
_QUEUE = 64


class Aside:
    """One thread that answers for the log alone, as far as it keeps up; what it misses is counted."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._thread = ThreadPoolExecutor(1, "shadow")
        self._heard = 0

    def hear(self, answer: Callable[[Lane], None], lane: Lane, rows: int) -> None:
        """Let `lane` answer a request of so many rows later on."""
        if self._heard >= _QUEUE:
            self._counters.shadow_missed += rows
            return
        self._heard += 1
        self._thread.submit(self._answer, answer, lane, rows)

    def wait(self) -> None:
        """Return once all that was heard is answered."""
        self._thread.submit(int).result()

    def close(self) -> None:
        """End the thread, once all that was heard is answered."""
        self._thread.shutdown()

    def _answer(self, answer: Callable[[Lane], None], lane: Lane, rows: int) -> None:
        try:
            answer(lane)
            self._counters.by_role["shadow"] = self._counters.by_role.get("shadow", 0) + rows
        except Exception:  # noqa: BLE001 - the edge of a thread: nobody waits for a shadow; its failures are counted
            self._counters.shadow_missed += rows
        finally:
            self._heard -= 1
