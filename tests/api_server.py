"""An API on a free loopback port: pages its rows in any of the usual ways, and fails as it is told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

#: What a request meets instead of an answer: it gets the handler, and says whether it dealt with the request.
Fault = Callable[["Exchange"], bool]


class Exchange(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    # One packet for headers and body: two would wait for each other 40 ms.
    wbufsize = 1 << 16
    api: Api

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.respond()

    def respond(self) -> None:
        api, parts = self.server.api, urlsplit(self.path)
        self.place, self.query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))
        with api.lock:
            number = len(api.requests)
            api.requests.append((parts.path, self.query, dict(self.headers)))
            fault = api.faults.pop(number, None) or api.always
        if fault is not None and fault(self):
            return
        if self.place in api.others:
            api.others[self.place](self)
            return
        self.send(*api.page(self.query))

    def send(self, document: Any, headers: dict[str, str] | None = None, status: int = 200, kind: str = "") -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind or "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Cut the connection so that the client gets ECONNRESET."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    # Clients of which connections are cut on purpose are no news.
    handle_error = lambda self, request, address: None  # noqa: E731


class Api:
    """`rows` in pages of `size`; `style` says how the next page is named. Use as a context."""

    def __init__(self, rows: Iterable[dict[str, Any]] = (), style: str = "next", size: int = 2, port: int = 0) -> None:
        self.rows = list(rows)
        self.style = style
        self.size = size
        self.since: str | None = None
        self.faults: dict[int, Fault] = {}
        self.always: Fault | None = None
        self.others: dict[str, Callable[[Exchange], None]] = {}
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.lock = threading.Lock()
        self.port = port

    def __enter__(self) -> Self:
        self.server = Quiet(("127.0.0.1", self.port), Exchange)
        self.server.api = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/rows"

    def page(self, query: dict[str, str]) -> tuple[Any, dict[str, str]]:
        """The answer to one request, in the API's style, and its headers."""
        rows = self.rows
        if self.since and self.since in query:
            rows = [row for row in rows if type(row) is not dict or str(row["at"]) >= query[self.since]]
        if self.style == "page":
            start = (int(query.get("page", "1")) - 1) * self.size
        else:
            start = int(query.get("offset", query.get("cursor", "0")) or 0)
        found, after = rows[start : start + self.size], start + self.size
        more = after < len(rows)
        kept = "".join(f"&{name}={value}" for name, value in query.items() if name not in {"offset", "cursor"})
        following = f"/rows?offset={after}{kept}"
        if self.style == "link":
            return found, {"Link": f'<{following}>; rel="next", </rows>; rel="first"'} if more else {}
        if self.style == "token":
            return {"items": found, "next_cursor": str(after) if more else None}, {}
        if self.style == "next":
            return {"items": found, "next": following if more else None}, {}
        return {"items": found}, {}


def status(code: int, **headers: str) -> Fault:
    """Answer with an error."""

    def fault(exchange: Exchange) -> bool:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.send({"error": f"status {code}"}, told, code)
        return True

    return fault


def cut(exchange: Exchange) -> bool:
    """Reset the connection in the middle of the page."""
    body = json.dumps(exchange.server.api.page(exchange.query)[0]).encode()
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    exchange.wfile.write(body[: len(body) // 2])
    exchange.reset()
    return True


def truncated(exchange: Exchange) -> bool:
    """End the page before its stated length."""
    body = json.dumps(exchange.server.api.page(exchange.query)[0]).encode()
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    exchange.wfile.write(body[: len(body) // 2])
    exchange.close_connection = True
    return True


def answer(content: bytes, kind: str = "application/json") -> Fault:
    """Answer with these bytes."""

    def fault(exchange: Exchange) -> bool:
        exchange.send(content, kind=kind)
        return True

    return fault


def slow(exchange: Exchange) -> bool:
    """Begin the page and then send a byte now and then, without end."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "100000")
    exchange.end_headers()
    stopped = threading.Event()
    try:
        while not stopped.wait(0.02):
            exchange.wfile.write(b" ")
            exchange.wfile.flush()
    except OSError:
        exchange.close_connection = True
    return True
