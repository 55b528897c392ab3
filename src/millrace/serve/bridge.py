"""From RSGI, in which Granian asks and is told in one call, to the ASGI of Starlette's routes.

The specification of ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message
from starlette.types import Scope as AsgiScope

from millrace.serve.rsgi import Scope


async def through(
    app: ASGIApp,
    scope: AsgiScope,
    body: Callable[[], Awaitable[bytes]],
    respond: Callable[[int, list[tuple[str, str]], bytes], None],
) -> None:
    """Let `app` answer a request, whose whole `body` it may read, with one whole response.

    What reading the body raises, `app` sees raised by ``receive``.
    """
    is_read = False
    start: Message = {}
    parts: list[bytes] = []

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            return {"type": "http.disconnect"}
        is_read = True
        return {"type": "http.request", "body": await body(), "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    finally:
        if start:
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
            respond(start["status"], headers, b"".join(parts))


def asgi_scope(scope: Scope) -> AsgiScope:
    """The scope of a request as ASGI has it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "root_path": "",
        "query_string": scope.query_string.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()],
        "client": address(scope.client),
        "server": address(scope.server),
    }


def address(told: str) -> tuple[str, int | None]:
    """Host and port.

    Examples
    --------
    >>> address("127.0.0.1:8080"), address("[::1]:80")
    (('127.0.0.1', 8080), ('::1', 80))
    """
    host, _, port = told.rpartition(":")
    return host.strip("[]"), int(port) if port.isdigit() else None
