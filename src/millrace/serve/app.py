"""The server's routes. ``POST /predict`` is matched before the router; everything else goes through Starlette."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers as Named
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan, Message, Receive, Scope, Send

from millrace import __version__
from millrace.errors import RequestError
from millrace.serve import clouds, oip, pages
from millrace.serve.access import Access, Guard, Headers, Refusal
from millrace.serve.around import asked_for
from millrace.serve.body import MEBIBYTE, TooLargeError, TooSlowError, read
from millrace.serve.core import Core
from millrace.serve.lanes import ANYONE, Asker
from millrace.serve.metrics import Board, exposition, total
from millrace.serve.openapi import openapi
from millrace.serve.rate import Rate
from millrace.serve.shapes import MalformedError
from millrace.serve.together import Together
from millrace.serve.waiting import Answer, BusyError, Waiting

#: On every answer: no guessing of content types, no frames of other sites, no address told to them.
SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
#: Where the certificate is this server's, browsers are to come by no other way (RFC 6797).
SECURE = ((b"strict-transport-security", b"max-age=31536000"),)
#: What a request that is not answered gets; 422 for all others.
STATUSES = {MalformedError: 400, TooSlowError: 408, TooLargeError: 413, BusyError: 503}
#: What an answer comes to that cannot be logged.
UNLOGGED = "The answer could not be logged, so it is not given"
_JSON = (b"content-type", b"application/json")
_CSV = (b"content-type", b"text/csv; charset=utf-8")
_PLAIN = frozenset((b"millrace-key", b"millrace-model"))
_BRACKETS = frozenset((b"{", b"["))


class Limits(NamedTuple):
    """How much one worker takes: bytes of a body, requests in line, requests per second of a client.

    `together` requests are answered by one run of the graph, where they come within `seconds`; 1 for each by its own.
    """

    body: int = 16 * MEBIBYTE
    queue: int = 256
    rate: float | None = None
    together: int = 1
    seconds: float = 0.0


class Asked(NamedTuple):
    """How a body is read, and waits for its answer."""

    limit: int
    waiting: Waiting

    async def answer(self, scope: Scope, receive: Receive, answer: Callable[[bytes], Answer]) -> Answer:
        """What `answer` says to the body of a request. Raises `RequestError` when it is not taken."""
        return await self.waiting.turn(await read(scope, receive, self.limit), answer)

    async def together(self, scope: Scope, receive: Receive, together: Together) -> bytes:
        """The answer to a body, from a run of the graph that it may share. Raises `RequestError` as `answer` does."""
        return await self.waiting.gathered(await read(scope, receive, self.limit), together)


class App:
    """The ASGI application of one worker."""

    def __init__(
        self,
        core: Core,
        board: Board | None = None,
        lifespan: Lifespan[Starlette] | None = None,
        environment: Mapping[str, str] | None = None,
        guard: Guard | None = None,
        limits: Limits | None = None,
        secure: bool = False,
    ) -> None:
        self._core = core
        at = clouds.paths(environment or {})
        limits = limits or Limits()
        rate = Rate(limits.rate) if limits.rate else None
        self._access = Access(guard, rate, at.health, at.predict) if guard or rate else None
        self._headers = [*SAFE, *SECURE] if secure else [*SAFE]
        self._kinds = {kind: [kind, *self._headers] for kind in (_JSON, _CSV)}
        self._asked = Asked(limits.body, Waiting(limits.queue))
        self._together = (
            Together(core.predict_together, limits.together, limits.seconds) if limits.together > 1 else None
        )

        def described() -> dict[str, Any]:
            return openapi(core.loaded.model.manifest, at, core.lanes.named, keyed=guard is not None)

        self._rest = _router(core, self._asked, board, lifespan, at, described)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
        elif self._access and (refusal := self._access.refusal(scope["path"], scope["headers"], _client(scope))):
            await self._refuse(refusal, send)
        elif scope["path"] == "/predict" and scope["method"] == "POST":
            await self._predict(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        """Answer without having looked at the body."""
        status, content, headers = refusal
        length = (b"content-length", str(len(content)).encode())
        await send(
            {"type": "http.response.start", "status": status, "headers": [*self._headers, _JSON, length, *headers]}
        )
        await send({"type": "http.response.body", "body": content})
        self._core.counters.request("refused", status, 0.0)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status, content, kind = 200, b"", _JSON
        try:
            if self._together and _is_plain(scope):
                content = await self._asked.together(scope, receive, self._together)
            else:
                content, kind = await self._asked.answer(scope, receive, _predicting(self._core, scope))
        except (RequestError, OSError) as error:
            status, content = failure(error)
        except Exception:  # the edge: whatever else goes wrong is reported here, and the caller still gets an answer
            logging.getLogger("millrace.serve").exception("a prediction failed")
            status, content = (
                500,
                b'{"error":{"code":"serve.failed","seen":"The prediction failed; see the server\'s log."}}',
            )
        headers = self._kinds[kind] if status == 200 else [kind, *self._headers, *later(status)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        self._core.counters.request("/predict", status, time.perf_counter() - started)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        try:
            await self._rest(scope, receive, noting)
        finally:
            # Names of endpoints, not paths: whoever asks for random paths must not make labels.
            route = getattr(scope.get("endpoint"), "__name__", "unknown")
            self._core.counters.request(route, status, time.perf_counter() - started)


def _predicting(core: Core, scope: Scope) -> Callable[[bytes], tuple[bytes, tuple[bytes, bytes]]]:
    """What answers a body, with its content type: CSV for CSV, JSON for everything else."""
    asker = asking(scope["headers"])

    def predicted(body: bytes) -> tuple[bytes, tuple[bytes, bytes]]:
        # JSON begins with a bracket: the headers are only looked at where they can matter.
        if body[:1] not in _BRACKETS and Named(scope=scope).get("content-type", "").startswith("text/csv"):
            return core.predict_csv(body, asker=asker), _CSV
        if query := scope.get("query_string"):
            return core.predict(body, asker=asker, **asked_for(query)), _JSON
        return core.predict(body, asker=asker), _JSON

    return predicted


def _is_plain(scope: Scope) -> bool:
    """Whether a request wants nothing but answers in JSON, of whoever answers."""
    return (
        not scope["query_string"]
        and _PLAIN.isdisjoint(name for name, _ in scope["headers"])
        and not Named(scope=scope).get("content-type", "").startswith("text/csv")
    )


def asking(headers: Headers) -> Asker:
    """Who is to answer, as a request's headers say: `Millrace-Key` and `Millrace-Model`.

    Examples
    --------
    >>> asking([(b"host", b"a"), (b"millrace-key", b"customer 7")])
    Asker(key='customer 7', model='')
    """
    key = model = ""
    for name, value in headers:
        if name == b"millrace-key":
            key = value.decode("latin-1")
        elif name == b"millrace-model":
            model = value.decode("latin-1").strip()
    return Asker(key, model) if key or model else ANYONE


def _client(scope: Scope) -> str:
    """The address that asks."""
    return scope["client"][0] if scope.get("client") else ""


def later(status: int) -> list[tuple[bytes, bytes]]:
    """The headers that say when to come again, for a status after which it helps."""
    return [(b"retry-after", b"1")] if status == 503 else []


def _failed(error: RequestError | OSError, unlogged: str = UNLOGGED) -> Response:
    status, content = failure(error, unlogged)
    headers = {name.decode(): value.decode() for name, value in later(status)}
    return Response(content, status, headers, media_type="application/json")


async def _no_route(request: Request, error: Exception) -> Response:
    """The answer where no path, or no verb of it, is what was asked for."""
    assert isinstance(error, HTTPException)
    verbs = (error.headers or {}).get("Allow", "")
    told: dict[str, object] = {"code": "request.path", "seen": "There is no such path.", "allowed": ["those of /docs"]}
    if verbs:
        told = {"code": "request.verb", "seen": f"{request.method} is not for here.", "allowed": verbs.split(", ")}
    answer = _json({"error": told}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def failure(error: RequestError | OSError, unlogged: str = UNLOGGED) -> tuple[int, bytes]:
    """The HTTP status and body of an error; `unlogged` says what does not happen because the log takes nothing."""
    if isinstance(error, OSError):
        seen = f"{unlogged}: {error.strerror or error}."
        return 503, msgspec.json.encode({"error": {"code": "log.unavailable", "seen": seen}})
    content = {
        "code": error.code,
        "row": error.row,
        "field": error.field,
        "seen": error.seen,
        "allowed": error.allowed,
    }
    return STATUSES.get(type(error), 422), msgspec.json.encode({"error": content})


def _router(
    core: Core,
    asked: Asked,
    board: Board | None,
    lifespan: Lifespan[Starlette] | None,
    at: clouds.Paths,
    described: Callable[[], object],
) -> Starlette:
    """Every route but the hot one."""

    async def healthz(_: Request) -> Response:
        manifest = core.loaded.model.manifest
        return _json({"status": "ok", "package": manifest.name, "version": manifest.version})

    async def metrics(_: Request) -> Response:
        manifest = core.loaded.model.manifest
        counters = total([core.counters, *(board.others() if board else [])])
        content = exposition(counters, manifest.name, manifest.version)
        return Response(content, media_type="text/plain; version=1.0.0")

    async def feedback(request: Request) -> Response:
        try:
            count = await asked.answer(request.scope, request.receive, core.feedback)
            await asyncio.to_thread(core.settle_feedback)
        except (RequestError, OSError) as error:
            return _failed(error, "The outcomes could not be logged, so they are not taken")
        return _json({"accepted": count})

    async def description(_: Request) -> Response:
        return _json(described())

    async def docs(_: Request) -> Response:
        return HTMLResponse(pages.docs())

    async def form(_: Request) -> Response:
        return HTMLResponse(pages.form(core.loaded.model.manifest))

    routes = [
        Route("/healthz", healthz),
        Route("/metrics", metrics),
        Route("/feedback", feedback, methods=["POST"]),
        Route("/openapi.json", description),
        Route("/docs", docs),
        Route("/", form),
        *_cloud_routes(core, asked, at, description),
        *_oip_routes(core, asked),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _no_route, 405: _no_route})


def _cloud_routes(core: Core, asked: Asked, at: clouds.Paths, description: clouds.Endpoint) -> list[Route]:
    async def invocations(request: Request) -> Response:
        try:
            answering = _predicting(core, request.scope)
            content, kind = await asked.answer(request.scope, request.receive, answering)
        except (RequestError, OSError) as error:
            return _failed(error)
        return Response(content, headers={"content-type": kind[1].decode()})

    return clouds.routes(at, invocations, description)


def _oip_routes(core: Core, asked: Asked) -> list[Route]:
    async def server_metadata(_: Request) -> Response:
        return _json({"name": "millrace", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        # The protocol's text prints `live` here and its gRPC twin `ready`; both readers find theirs.
        return _json({"live": True, "ready": True})

    async def model_metadata(_: Request) -> Response:
        return _json(oip.model_metadata(core.loaded))

    async def model_ready(_: Request) -> Response:
        return _json({"name": core.loaded.model.manifest.name, "ready": True})

    async def infer(request: Request) -> Response:
        asker = asking(request.scope["headers"])
        version = request.path_params.get("version", "")
        if version and version != str(core.loaded.version):
            asker = asker._replace(model=version)
        header = _header_length(request)
        answering = partial(oip.infer, core, asker=asker, header=header)
        content = await asked.answer(request.scope, request.receive, answering)
        return Response(content, media_type="application/json")

    routes = [Route("/v2", server_metadata), Route("/v2/health/live", live), Route("/v2/health/ready", ready)]
    for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [
            Route(prefix, _for_model(core, model_metadata)),
            Route(f"{prefix}/ready", _for_model(core, model_ready)),
            Route(f"{prefix}/infer", _for_model(core, infer), methods=["POST"]),
        ]
    return routes


def _header_length(request: Request) -> int | None:
    """How many bytes of the body are JSON, where others follow. Raises `RequestError` when it is no number."""
    given = request.headers.get("inference-header-content-length")
    if given is not None and not (given.isascii() and given.isdigit()):
        seen = f"`Inference-Header-Content-Length` is {given!r}."
        raise RequestError(seen, code="request.header", allowed=["a number of bytes"])
    return None if given is None else int(given)


def _for_model(core: Core, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """The endpoint for the model that is served, and the protocol's error for any other."""

    async def guarded(request: Request) -> Response:
        manifest = core.loaded.model.manifest
        model, version = request.path_params["model"], request.path_params.get("version")
        versions = [str(loaded.version) for loaded in core.lanes.all]
        if model != manifest.name or version not in {None, *versions}:
            named = model if version is None else f"{model} version {version}"
            served = f"{manifest.name} version {' and '.join(versions)}"
            return _json({"error": f"{named} is not served here; {served} is."}, 404)
        try:
            response: Response = await endpoint(request)
        except RequestError as error:
            status = STATUSES.get(type(error), 400)
            return _json({"error": f"{error.where}: {error.seen} Allowed: {', '.join(error.allowed)}"}, status)
        except OSError as error:
            return _json({"error": f"{UNLOGGED}: {error}"}, 503)
        return response

    guarded.__name__ = endpoint.__name__
    return guarded


def _json(content: object, status: int = 200) -> Response:
    headers = {name.decode(): value.decode() for name, value in later(status)}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
