"""The bodies of requests: read whole, never larger than allowed, never waited for without end."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope

from millrace.errors import RequestError

MEBIBYTE = 1024 * 1024
#: How long a body that comes in parts may take.
SECONDS = 30.0


class TooLargeError(RequestError):
    """A body is larger than the server takes."""

    code = "request.too-large"


class TooSlowError(RequestError):
    """A body did not arrive in time."""

    code = "request.too-slow"


async def read(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `TooLargeError` once it is longer than `limit` bytes, `TooSlowError` after `SECONDS`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) <= limit and (not message.get("more_body") or _is_whole(scope, body)):
        return body
    parts, size = [body], len(body)
    try:
        async with asyncio.timeout(SECONDS):
            while message.get("more_body") and size <= limit:
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
    except TimeoutError:
        seen = f"The body of {scope['path']} did not arrive within {SECONDS:.0f} seconds."
        raise TooSlowError(seen, code="request.too-slow") from None
    if size > limit:
        raise TooLargeError(
            f"The body of {scope['path']} is too large.", code="request.too-large", allowed=[f"{limit} bytes"]
        )
    return b"".join(parts)


def _is_whole(scope: Scope, body: bytes) -> bool:
    """Whether as much came as the request announced; the server learns only a round later that nothing follows."""
    return (b"content-length", b"%d" % len(body)) in scope["headers"]
