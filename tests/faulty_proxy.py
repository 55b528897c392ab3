"""A proxy in front of a server that answers over HTTP, which fails as networks and servers do, request by request.

It is a process of its own: a library that holds Python's lock while it waits for an answer would wait for ever for a
thread of the same process.
"""

from __future__ import annotations

import http.client
import multiprocessing
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Literal

#: What becomes of a request: nobody hears it; it is carried out and the answer is lost; half of the answer arrives.
Fate = Literal["pass", "refuse", "lose", "cut"]
#: Decides it, from the ordinal of the request and its method and path.
Fates = Callable[[int, str], Fate]
_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}


def healthy(ordinal: int, request: str) -> Fate:
    return "pass"


class Gone:
    """The server is gone from some request on."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def __call__(self, ordinal: int, request: str) -> Fate:
        return "refuse" if ordinal >= self.moment else "pass"


class Lost:
    """The answers to these writes (from 0) are lost, once they are carried out."""

    def __init__(self, *writes: int) -> None:
        self.writes = writes
        self.seen = 0

    def __call__(self, ordinal: int, request: str) -> Fate:
        if not request.startswith("PUT"):
            return "pass"
        self.seen += 1
        return "lose" if self.seen - 1 in self.writes else "pass"


class Storm:
    """Any fate, by chance and by weight, for the requests that have `what` in their path."""

    def __init__(self, seed: int, what: str = "", **weights: int) -> None:
        self.chance = random.Random(seed)
        self.what = what
        self.weights = weights

    def __call__(self, ordinal: int, request: str) -> Fate:
        if self.what not in request:
            return "pass"
        return self.chance.choices(list(self.weights), list(self.weights.values()))[0]


class Proxy:
    """A running proxy, as the test sees it."""

    def __init__(self, port: int, control: Connection) -> None:
        self.port = port
        self._control = control

    def suffer(self, fates: Fates) -> None:
        """From now on this happens, counting requests from 0."""
        self._control.send(fates)
        assert self._control.recv() == "done"

    def heal(self) -> None:
        self.suffer(healthy)


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("forkserver").Process(target=_serve, args=(upstream, theirs), daemon=True)
    process.start()
    try:
        assert ours.poll(60), "the proxy does not start"
        yield Proxy(ours.recv(), ours)
    finally:
        process.terminate()
        process.join(30)


def _serve(upstream: int, control: Connection) -> None:
    with _Server(upstream) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        control.send(server.server_address[1])
        while True:
            fates = control.recv()
            with server.guard:
                server.fates, server.count = fates, 0
            control.send("done")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.guard = threading.Lock()
        self.fates: Fates = healthy
        self.count = 0

    def decided(self, request: str) -> Fate:
        with self.guard:
            self.count += 1
            return self.fates(self.count - 1, request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.decided(f"{self.command} {self.path}")
        if fate == "refuse":
            self._hang_up()
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        upstream.request(self.command, self.path, body or None, dict(self.headers.items()))
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fate == "lose":
            self._hang_up()
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if fate == "cut" else content)
        if fate == "cut":
            self._hang_up()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any  # noqa: N815 - the names that http.server calls

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass
