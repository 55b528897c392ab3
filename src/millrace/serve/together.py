"""Requests answered by one run of the graph: as many as come within a short wait, and never more than a set number.

Off unless `serve: {batch: …}` asks for it: it pays where a run of the graph costs much more than a row of it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

AnswerAll = Callable[[Sequence[bytes]], Sequence[bytes | Exception]]


class Together:
    """Gathers bodies until `most` are there, or the first has waited for `seconds`; then all are answered at once."""

    def __init__(self, answer_all: AnswerAll, most: int, seconds: float) -> None:
        self._answer_all = answer_all
        self._most = most
        self._seconds = seconds
        self._gathered: list[tuple[bytes, asyncio.Future[bytes]]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self, body: bytes) -> bytes:
        """The answer to one body; raises what answering it alone raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._gathered.append((body, future))
        if len(self._gathered) >= self._most:
            self._run()
        elif self._timer is None:
            self._timer = loop.call_later(self._seconds, self._run)
        return await future

    def _run(self) -> None:
        if self._timer:
            self._timer.cancel()
        gathered, self._gathered, self._timer = self._gathered, [], None
        answers = self._answer_all([body for body, _ in gathered])
        for (_, future), answer in zip(gathered, answers, strict=True):
            if future.done():  # its client is gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
