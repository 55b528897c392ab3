"""The server's routes. ``POST /predict`` is matched before the router; everything else goes through Starlette."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan, Message, Receive, Scope, Send

from millrace import __version__
from millrace.errors import RequestError
from millrace.serve import clouds, oip, pages
from millrace.serve.access import Access, Refusal
from millrace.serve.core import Core, MalformedError
from millrace.serve.metrics import Board, exposition, total
from millrace.store.keys import KeyRing

MAX_BODY = 16 * 1024 * 1024
#: On every answer: no guessing of content types, no frames of other sites, no address told to them.
SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_JSON = (b"content-type", b"application/json")
_CSV = (b"content-type", b"text/csv; charset=utf-8")
_BRACKETS = frozenset((b"{", b"["))


class TooLargeError(RequestError):
    """A body is larger than the server takes."""

    code = "request.too-large"


class App:
    """The ASGI application of one worker."""

    def __init__(
        self,
        core: Core,
        board: Board | None = None,
        lifespan: Lifespan[Starlette] | None = None,
        environment: Mapping[str, str] | None = None,
        ring: KeyRing | None = None,
    ) -> None:
        self._core = core
        at = clouds.paths(environment or {})
        self._access = Access(ring, at.health, at.predict) if ring else None
        self._rest = _router(core, board, lifespan, at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
        elif self._access and (refusal := self._access.refusal(scope["path"], scope["headers"])):
            await self._refuse(refusal, send)
        elif scope["path"] == "/predict" and scope["method"] == "POST":
            await self._predict(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        """Answer without having looked at the body."""
        status, content, headers = refusal
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*SAFE, _JSON, length, *headers]})
        await send({"type": "http.response.body", "body": content})
        self._core.counters.request("refused", status, 0.0)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status, content, kind = 200, b"", _JSON
        try:
            content, kind = _predicted(self._core, await _body(scope, receive), scope)
        except (RequestError, OSError) as error:
            status, content = failure(error)
        except Exception:  # the edge: whatever else goes wrong is reported here, and the caller still gets an answer
            logging.getLogger("millrace.serve").exception("a prediction failed")
            status, content = (
                500,
                b'{"error":{"code":"serve.failed","seen":"The prediction failed; see the server\'s log."}}',
            )
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [kind, length, *SAFE]})
        await send({"type": "http.response.body", "body": content})
        self._core.counters.request("/predict", status, time.perf_counter() - started)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SAFE]
            await send(message)

        try:
            await self._rest(scope, receive, noting)
        finally:
            # Names of endpoints, not paths: whoever asks for random paths must not make labels.
            route = getattr(scope.get("endpoint"), "__name__", "unknown")
            self._core.counters.request(route, status, time.perf_counter() - started)


def _predicted(core: Core, body: bytes, scope: Scope) -> tuple[bytes, tuple[bytes, bytes]]:
    """The answer to a body and its content type: CSV for CSV, JSON for everything else."""
    # JSON begins with a bracket: the headers are only looked at where they can matter.
    if body[:1] not in _BRACKETS and Headers(scope=scope).get("content-type", "").startswith("text/csv"):
        return core.predict_csv(body), _CSV
    return core.predict(body), _JSON


def failure(error: RequestError | OSError) -> tuple[int, bytes]:
    """The HTTP status and body of an error."""
    if isinstance(error, OSError):
        seen = f"The answer could not be logged, so it is not given: {error.strerror or error}."
        return 503, msgspec.json.encode({"error": {"code": "log.unavailable", "seen": seen}})
    statuses = {MalformedError: 400, TooLargeError: 413}
    content = {
        "code": error.code,
        "row": error.row,
        "field": error.field,
        "seen": error.seen,
        "allowed": error.allowed,
    }
    return statuses.get(type(error), 422), msgspec.json.encode({"error": content})


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises `TooLargeError` as soon as it is longer than `MAX_BODY`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and len(body) <= MAX_BODY:
        return body
    parts, size = [body], len(body)
    while message.get("more_body") and size <= MAX_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > MAX_BODY:
        raise TooLargeError(
            f"The body of {scope['path']} is too large.", code="request.too-large", allowed=[f"{MAX_BODY} bytes"]
        )
    return b"".join(parts)


def _router(core: Core, board: Board | None, lifespan: Lifespan[Starlette] | None, at: clouds.Paths) -> Starlette:
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
            count = core.feedback(await _body(request.scope, request.receive))
            await asyncio.to_thread(core.settle_feedback)
        except (RequestError, OSError) as error:
            status, content = failure(error)
            return Response(content, status, media_type="application/json")
        return _json({"accepted": count})

    async def openapi(_: Request) -> Response:
        return _json(pages.openapi(core.loaded.model.manifest))

    async def docs(_: Request) -> Response:
        return HTMLResponse(pages.docs())

    async def form(_: Request) -> Response:
        return HTMLResponse(pages.form(core.loaded.model.manifest))

    routes = [
        Route("/healthz", healthz),
        Route("/metrics", metrics),
        Route("/feedback", feedback, methods=["POST"]),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/", form),
        *_cloud_routes(core, at),
        *_oip_routes(core),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _cloud_routes(core: Core, at: clouds.Paths) -> list[Route]:
    async def invocations(request: Request) -> Response:
        try:
            content, kind = _predicted(core, await _body(request.scope, request.receive), request.scope)
        except (RequestError, OSError) as error:
            status, content = failure(error)
            return Response(content, status, media_type="application/json")
        return Response(content, headers={"content-type": kind[1].decode()})

    async def swagger(_: Request) -> Response:
        return _json(pages.openapi(core.loaded.model.manifest))

    return clouds.routes(at, invocations, swagger)


def _oip_routes(core: Core) -> list[Route]:
    async def server_metadata(_: Request) -> Response:
        return _json({"name": "millrace", "version": __version__, "extensions": []})

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
        content = oip.infer(core, await _body(request.scope, request.receive))
        return Response(content, media_type="application/json")

    routes = [Route("/v2", server_metadata), Route("/v2/health/live", live), Route("/v2/health/ready", ready)]
    for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [
            Route(prefix, _for_model(core, model_metadata)),
            Route(f"{prefix}/ready", _for_model(core, model_ready)),
            Route(f"{prefix}/infer", _for_model(core, infer), methods=["POST"]),
        ]
    return routes


def _for_model(core: Core, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """The endpoint for the model that is served, and the protocol's error for any other."""

    async def guarded(request: Request) -> Response:
        manifest = core.loaded.model.manifest
        model, version = request.path_params["model"], request.path_params.get("version")
        if model != manifest.name or version not in {None, str(manifest.version)}:
            named = model if version is None else f"{model} version {version}"
            served = f"{manifest.name} version {manifest.version}"
            return _json({"error": f"{named} is not served here; {served} is."}, 404)
        try:
            response: Response = await endpoint(request)
        except RequestError as error:
            status = 413 if isinstance(error, TooLargeError) else 400
            return _json({"error": f"{error.where}: {error.seen} Allowed: {', '.join(error.allowed)}"}, status)
        except OSError as error:
            return _json({"error": f"The answer could not be logged, so it is not given: {error}"}, 503)
        return response

    guarded.__name__ = endpoint.__name__
    return guarded


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
