"""Requests that wait for the model: first come, first served, and never more than a set number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from millrace.errors import RequestError
from millrace.serve.together import Together

#: Larger bodies are answered beside the event loop, so that probes and short requests pass them.
ASIDE_BYTES = 64 * 1024

Answer = TypeVar("Answer")


class BusyError(RequestError):
    """As many requests wait for the model as may."""

    code = "server.busy"


class Waiting:
    """The line before the model. It counts requests whose body is there: a slow client takes no place in it.

    The event loop takes in one round all requests that became ready during the round before. So those of one round
    stood in line together, and who is further behind than the line is long is refused.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._before = 0
        self._aside_count = 0
        self._aside = ThreadPoolExecutor(1, "inference")

    async def turn(self, body: bytes, answer: Callable[[bytes], Answer]) -> Answer:
        """What `answer` says to the body, once it is its turn. Raises `BusyError` when the line is full."""
        if self._before + self._aside_count >= self._limit:
            raise BusyError("Too many requests wait for the model.", code="server.busy", allowed=[f"{self._limit}"])
        if len(body) > ASIDE_BYTES:
            self._aside_count += 1
            try:
                return await asyncio.get_running_loop().run_in_executor(self._aside, answer, body)
            finally:
                self._aside_count -= 1
        if not self._before:
            asyncio.get_running_loop().call_soon(self._next_round)
        self._before += 1
        return answer(body)

    async def gathered(self, body: bytes, together: Together) -> bytes:
        """The answer to a body that others may share a run of the graph with; they are in line while they wait."""
        if self._before + self._aside_count >= self._limit:
            raise BusyError("Too many requests wait for the model.", code="server.busy", allowed=[f"{self._limit}"])
        self._aside_count += 1
        try:
            return await together.answer(body)
        finally:
            self._aside_count -= 1

    def _next_round(self) -> None:
        self._before = 0
