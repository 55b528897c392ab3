"""The paths of the Open Inference Protocol, version 2, whose words `serve.oip` speaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from millrace import __version__
from millrace.errors import RequestError
from millrace.serve import oip
from millrace.serve.asked import asking
from millrace.serve.core import Core
from millrace.serve.failures import STATUSES, UNLOGGED, as_json
from millrace.serve.waiting import Waiting


def oip_routes(core: Core, waiting: Waiting) -> list[Route]:
    """The paths below ``/v2``."""

    async def server_metadata(_: Request) -> Response:
        return as_json({"name": "millrace", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def live(_: Request) -> Response:
        return as_json({"live": True})

    async def ready(_: Request) -> Response:
        # The protocol's text prints `live` here and its gRPC twin `ready`; both readers find theirs.
        return as_json({"live": True, "ready": True})

    async def model_metadata(_: Request) -> Response:
        return as_json(oip.model_metadata(core.loaded))

    async def model_ready(_: Request) -> Response:
        return as_json({"name": core.loaded.model.manifest.name, "ready": True})

    async def infer(request: Request) -> Response:
        asker = asking(request.headers)
        version = request.path_params.get("version", "")
        if version and version != str(core.loaded.version):
            asker = asker._replace(model=version)
        header = _header_length(request)
        answering = partial(oip.infer, core, asker=asker, header=header)
        content = await waiting.turn(await request.body(), answering)
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
            return as_json({"error": f"{named} is not served here; {served} is."}, 404)
        try:
            response: Response = await endpoint(request)
        except RequestError as error:
            status = STATUSES.get(type(error), 400)
            return as_json({"error": f"{error.where}: {error.seen} Allowed: {', '.join(error.allowed)}"}, status)
        except OSError as error:
            return as_json({"error": f"{UNLOGGED}: {error}"}, 503)
        return response

    guarded.__name__ = endpoint.__name__
    return guarded
