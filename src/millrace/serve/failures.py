"""What a request is told that is not answered: a status, and the error as JSON."""

from __future__ import annotations

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from millrace.errors import RequestError
from millrace.serve.body import TooLargeError, TooSlowError
from millrace.serve.shapes import MalformedError
from millrace.serve.waiting import BusyError

#: What a request that is not answered gets; 422 for all others.
STATUSES = {MalformedError: 400, TooSlowError: 408, TooLargeError: 413, BusyError: 503}
#: What an answer comes to that cannot be logged.
UNLOGGED = "The answer could not be logged, so it is not given"


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


def later(status: int) -> dict[str, str]:
    """The headers that say when to come again, for a status after which it helps."""
    return {"retry-after": "1"} if status == 503 else {}


def failed(error: RequestError | OSError, unlogged: str = UNLOGGED) -> Response:
    """The response to an error, as `failure` tells it."""
    status, content = failure(error, unlogged)
    return Response(content, status, later(status), media_type="application/json")


def as_json(content: object, status: int = 200) -> Response:
    """A response of JSON."""
    return Response(msgspec.json.encode(content), status, later(status), media_type="application/json")


async def no_route(request: Request, error: Exception) -> Response:
    """The answer where no path, or no verb of it, is what was asked for."""
    assert isinstance(error, HTTPException)
    verbs = (error.headers or {}).get("Allow", "")
    told: dict[str, object] = {"code": "request.path", "seen": "There is no such path.", "allowed": ["those of /docs"]}
    if verbs:
        told = {"code": "request.verb", "seen": f"{request.method} is not for here.", "allowed": verbs.split(", ")}
    answer = as_json({"error": told}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
