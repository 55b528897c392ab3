"""The application of one worker: ``POST /predict`` is answered here, everything else by Starlette's routes."""

from __future__ import annotations

import logging
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from typing import NamedTuple

from millrace.errors import RequestError
from millrace.serve import clouds
from millrace.serve.access import Access, Guard, Refusal
from millrace.serve.asked import CSV, JSON, is_csv, predicting
from millrace.serve.body import MEBIBYTE, Bodies
from millrace.serve.bridge import address, asgi_scope, through
from millrace.serve.core import Core
from millrace.serve.failures import failure, later
from millrace.serve.metrics import Board
from millrace.serve.rate import Rate
from millrace.serve.routes import router
from millrace.serve.rows import predict_together
from millrace.serve.rsgi import Exchange, Scope
from millrace.serve.together import Together
from millrace.serve.waiting import Waiting

#: On every answer: no guessing of content types, no frames of other sites, no address told to them.
SAFE = (("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"))
#: Where the certificate is this server's, browsers are to come by no other way (RFC 6797).
SECURE = ("strict-transport-security", "max-age=31536000")
_FAILED = b'{"error":{"code":"serve.failed","seen":"The prediction failed; see the server\'s log."}}'
_UNREADABLE = (
    b'{"error":{"code":"request.header","field":"Millrace-Key","seen":"Its value is not ASCII.",'
    b'"allowed":["letters, digits and signs of ASCII"]}}'
)


class Limits(NamedTuple):
    """How much one worker takes: bytes of a body, requests in line, requests per second of a client.

    `together` requests are answered by one run of the graph, where they come within `seconds`; 1 for each by its own.
    """

    body: int = 16 * MEBIBYTE
    queue: int = 256
    rate: float | None = None
    together: int = 1
    seconds: float = 0.0


class Application:
    """Speaks RSGI with Granian; `living` surrounds the time between the first request and the last."""

    def __init__(
        self,
        core: Core,
        board: Board | None = None,
        living: Callable[[AbstractEventLoop], AbstractContextManager[None]] = lambda _: nullcontext(),
        environment: Mapping[str, str] | None = None,
        guard: Guard | None = None,
        limits: Limits | None = None,
        secure: bool = False,
    ) -> None:
        self._core, self._living, self._stack = core, living, ExitStack()
        at, limits = clouds.paths(environment or {}), limits or Limits()
        rate = Rate(limits.rate) if limits.rate else None
        self._access = Access(guard, rate, at.health, at.predict) if guard or rate else None
        self._headers = [*SAFE, SECURE] if secure else [*SAFE]
        self._kinds = {kind: [("content-type", kind), *self._headers] for kind in (JSON, CSV)}
        self._bodies, self._waiting = Bodies(limits.body), Waiting(limits.queue)
        batched = limits.together > 1
        together = partial(predict_together, core)
        self._together = Together(together, limits.together, limits.seconds) if batched else None
        self.routes = router(core, self._waiting, board, at, keyed=guard is not None)

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Begin, before the first request."""
        self._stack.enter_context(self._living(loop))

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """End, after the last request."""
        self._stack.close()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        path, headers = scope.path, scope.headers
        if self._access and (refusal := self._refusal(self._access, path, scope)):
            self._refuse(refusal, exchange)
        elif "millrace-key" in headers and headers.get("millrace-key") is None:
            self._refuse((422, _UNREADABLE, []), exchange)
        elif path == "/predict" and scope.method == "POST":
            await self._predict(scope, exchange)
        else:
            await self._route(scope, exchange)

    def _refusal(self, access: Access, path: str, scope: Scope) -> Refusal | None:
        secrets = [(b"authorization", value.encode()) for value in scope.headers.get_all("authorization")]
        return access.refusal(path, secrets, address(scope.client)[0])

    def _refuse(self, refusal: Refusal, exchange: Exchange) -> None:
        """Answer without having looked at the body."""
        status, content, headers = refusal
        more = [(name.decode(), value.decode()) for name, value in headers]
        exchange.response_bytes(status, [*self._kinds[JSON], *more], content)
        self._core.counters.request("refused", status, 0.0)

    async def _predict(self, scope: Scope, exchange: Exchange) -> None:
        started = time.perf_counter()
        status, kind = 200, JSON
        try:
            body, query = await self._bodies.read(scope, exchange), scope.query_string
            if self._together and _is_plain(scope, query):
                content = await self._waiting.gathered(body, self._together)
            else:
                content, kind = await self._waiting.turn(body, predicting(self._core, scope.headers, query))
        except (RequestError, OSError) as error:
            status, content = failure(error)
        except Exception:  # the edge: whatever else goes wrong is reported here, and the caller still gets an answer
            logging.getLogger("millrace.serve").exception("a prediction failed")
            status, content = 500, _FAILED
        headers = self._kinds[kind] if status == 200 else [*self._kinds[JSON], *later(status).items()]
        exchange.response_bytes(status, headers, content)
        self._core.counters.request("/predict", status, time.perf_counter() - started)

    async def _route(self, scope: Scope, exchange: Exchange) -> None:
        started = time.perf_counter()
        answered = 500

        def respond(status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            nonlocal answered
            answered = status
            exchange.response_bytes(status, [*headers, *self._headers], content)

        seen = asgi_scope(scope)
        try:
            await through(self.routes, seen, lambda: self._bodies.read(scope, exchange), respond)
        finally:
            # Names of endpoints, not paths: whoever asks for random paths must not make labels.
            route = getattr(seen.get("endpoint"), "__name__", "unknown")
            self._core.counters.request(route, answered, time.perf_counter() - started)


def _is_plain(scope: Scope, query: str) -> bool:
    """Whether a request wants nothing but answers in JSON, of whoever answers."""
    headers = scope.headers
    return not (query or "millrace-key" in headers or "millrace-model" in headers or is_csv(headers))
