"""The bodies of requests: read whole, never larger than allowed, never waited for without end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from millrace.errors import RequestError
from millrace.serve.rsgi import Exchange, Scope

MEBIBYTE = 1024 * 1024
#: How long a body may take to arrive.
SECONDS = 30.0
#: How often is looked for bodies that take too long.
_LOOK_SECONDS = 1.0

Given = TypeVar("Given")


class TooLargeError(RequestError):
    """A body is larger than the server takes."""

    code = "request.too-large"


class TooSlowError(RequestError):
    """A body did not arrive in time."""

    code = "request.too-slow"


class Bodies:
    """Reads the bodies of one event loop's requests, each of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._patience = Patience()

    async def read(self, scope: Scope, exchange: Exchange) -> bytes:
        """The whole body. Raises `TooLargeError`, and `TooSlowError` after `SECONDS`."""
        length = scope.headers.get("content-length")
        # The server gives as much as was announced, and no more.
        short = length is not None and int(length) <= self._limit and "transfer-encoding" not in scope.headers
        try:
            return await self._patience.wait(exchange() if short else self._gathered(scope, exchange))
        except TimeoutError:
            seen = f"The body of {scope.path} did not arrive within {SECONDS:.0f} seconds."
            raise TooSlowError(seen, code="request.too-slow") from None

    async def _gathered(self, scope: Scope, exchange: Exchange) -> bytes:
        parts, size = [], 0
        async for part in exchange:
            parts.append(part)
            size += len(part)
            if size > self._limit:
                seen = f"The body of {scope.path} is too large."
                raise TooLargeError(seen, code="request.too-large", allowed=[f"{self._limit} bytes"])
        return b"".join(parts)


class Patience:
    """Waits at most `SECONDS`, give or take a second; one timer for all who wait, because nearly none takes long."""

    def __init__(self) -> None:
        self._since: dict[asyncio.Task[object], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, coming: Awaitable[Given]) -> Given:
        """What is coming. Raises TimeoutError when it takes too long. At most one wait of a task at a time."""
        task = asyncio.current_task()
        assert task
        self._since[task] = time.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        try:
            return await coming
        except asyncio.CancelledError:
            if task in self._since:  # cancelled by someone else
                raise
            task.uncancel()
            raise TimeoutError from None
        finally:
            self._since.pop(task, None)

    def _look(self) -> None:
        latest = time.monotonic() - SECONDS
        for task in [task for task, since in self._since.items() if since < latest]:
            del self._since[task]
            task.cancel()
        again = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look) if self._since else None
        self._timer = again
