"""The paths at which clouds look for a model: SageMaker, Vertex AI, Azure ML, and MLflow's scoring server.

All take the same bodies (`serve.shapes`) and give the same answers; only the paths differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from millrace.errors import UsageError

Endpoint = Callable[[Request], Awaitable[Response]]


class Paths(NamedTuple):
    """Where one server is asked whether it is well, and where for predictions."""

    health: tuple[str, ...]
    predict: tuple[str, ...]


def paths(environment: Mapping[str, str]) -> Paths:
    """The fixed paths, and those that Vertex AI names in a container's environment.

    Examples
    --------
    >>> paths({"AIP_HEALTH_ROUTE": "/well", "AIP_PREDICT_ROUTE": "/ask"})
    Paths(health=('/ping', '/health', '/well'), predict=('/invocations', '/score', '/ask'))
    """
    default: tuple[str, ...] = ()
    if "AIP_ENDPOINT_ID" in environment and "AIP_DEPLOYED_MODEL_ID" in environment:
        endpoint, model = environment["AIP_ENDPOINT_ID"], environment["AIP_DEPLOYED_MODEL_ID"]
        default = (f"/v1/endpoints/{endpoint}/deployedModels/{model}:predict",)
    health = (environment["AIP_HEALTH_ROUTE"],) if environment.get("AIP_HEALTH_ROUTE") else default
    predict = (environment["AIP_PREDICT_ROUTE"],) if environment.get("AIP_PREDICT_ROUTE") else default
    return Paths(("/ping", "/health", *health), ("/invocations", "/score", *predict))


def routes(at: Paths, predict: Endpoint, openapi: Endpoint) -> list[Route]:
    """The routes of all clouds, over one endpoint for predictions and one for the description."""

    async def ping(_: Request) -> Response:
        return Response(b"")

    return [
        *(Route(path, ping) for path in at.health),
        *(Route(path, predict, methods=["POST"]) for path in ("/predict", *at.predict)),
        Route("/swagger.json", openapi),
    ]


def port(environment: Mapping[str, str], otherwise: int) -> int:
    """The port a cloud tells a container to listen on: ``AIP_HTTP_PORT``, else ``PORT``, else `otherwise`.

    Raises `UsageError` when the variable is not a port.

    Examples
    --------
    >>> port({"PORT": "9000"}, 8080), port({}, 8080)
    (9000, 8080)
    """
    name = next((name for name in ("AIP_HTTP_PORT", "PORT") if environment.get(name)), None)
    if name is None:
        return otherwise
    text = environment[name]
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise UsageError(
            f"The environment variable {name} is {text!r}.",
            where="serve",
            code="serve.port",
            allowed=["a port, 0 to 65535"],
            next_step=f"unset {name}, or give it a port",
        )
    return int(text)
