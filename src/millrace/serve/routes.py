"""The routes of a server, over Starlette."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from millrace.errors import RequestError
from millrace.serve import clouds, pages
from millrace.serve.asked import predicting
from millrace.serve.core import Core
from millrace.serve.failures import as_json, failed, no_route
from millrace.serve.metrics import Board, exposition, total
from millrace.serve.oip_routes import oip_routes
from millrace.serve.openapi import openapi
from millrace.serve.waiting import Waiting


def router(core: Core, waiting: Waiting, board: Board | None, at: clouds.Paths, keyed: bool) -> Starlette:
    """Every route; ``POST /predict`` is answered before it comes here. `keyed` tells that access keys are asked for."""

    async def healthz(_: Request) -> Response:
        manifest = core.loaded.model.manifest
        return as_json({"status": "ok", "package": manifest.name, "version": manifest.version})

    async def metrics(_: Request) -> Response:
        manifest = core.loaded.model.manifest
        counters = total([core.counters, *(board.others() if board else [])])
        content = exposition(counters, manifest.name, manifest.version)
        return Response(content, media_type="text/plain; version=1.0.0")

    async def feedback(request: Request) -> Response:
        try:
            count = await waiting.turn(await request.body(), core.feedback)
            await asyncio.to_thread(core.settle_feedback)
        except (RequestError, OSError) as error:
            return failed(error, "The outcomes could not be logged, so they are not taken")
        return as_json({"accepted": count})

    async def description(_: Request) -> Response:
        return as_json(openapi(core.loaded.model.manifest, at, core.lanes.named, keyed=keyed))

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
        *_cloud_routes(core, waiting, at, description),
        *oip_routes(core, waiting),
    ]
    return Starlette(routes=routes, exception_handlers={404: no_route, 405: no_route})


def _cloud_routes(core: Core, waiting: Waiting, at: clouds.Paths, description: clouds.Endpoint) -> list[Route]:
    async def invocations(request: Request) -> Response:
        try:
            answering = predicting(core, request.headers, request.url.query)
            content, kind = await waiting.turn(await request.body(), answering)
        except (RequestError, OSError) as error:
            return failed(error)
        return Response(content, headers={"content-type": kind})

    return clouds.routes(at, invocations, description)
