"""The status of the wheel over HTTP: plain text and JSON on loopback, to whoever may see it."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec

from millrace.config.schema import ServeSettings
from millrace.errors import MillraceError, UsageError
from millrace.records.key import Key
from millrace.records.turning import JobState, WheelStatus
from millrace.serve.access import Guard
from millrace.serve.tokens import Issuer, Tokens
from millrace.store.keys import KeyRing
from millrace.store.objects import Store

HOST = "127.0.0.1"
TEXT, JSON = ("/", "/status"), "/status.json"
#: A page of another site whose name leads here by a trick of DNS names that site as the host.
_NAMES = frozenset((HOST, "localhost"))
_REFRESH_SECONDS = 1.0


class Gate:
    """Lets in whoever has a key that is good for `admin`, where the server of predictions needs keys at all."""

    def __init__(self, store: Store, settings: ServeSettings, package: str) -> None:
        ring = KeyRing(store) if settings.keys == "required" else None
        tokens = Tokens(Issuer(**settings.tokens.model_dump())) if settings.tokens else None
        self._guard = Guard(ring, tokens, package) if ring or tokens else None
        self._lock, self._fresh = threading.Lock(), float("-inf")

    def refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes, list[tuple[bytes, bytes]]] | None:
        """Why a request is not answered: status, body and headers; None where it is."""
        if self._guard is None:
            return None
        with self._lock:
            self._refresh(self._guard)
            found = self._guard.key(headers, "admin")
        return None if isinstance(found, Key) else found

    def _refresh(self, guard: Guard) -> None:
        """Learn of new and revoked keys, once a second at most; where that fails, what was known holds."""
        if time.monotonic() - self._fresh < _REFRESH_SECONDS:
            return
        for known in (guard.ring, guard.tokens):
            if known:
                with suppress(MillraceError):
                    known.refresh()
        self._fresh = time.monotonic()


@contextmanager
def answering(port: int, current: Callable[[], WheelStatus], gate: Gate) -> Iterator[str]:
    """Answer with the `current` status on `port` of this machine alone while the block lasts; gives the URL.

    Port 0 takes any free one. Raises `UsageError` when the port is taken.
    """

    class Handler(_Handler):
        asked = (current, gate)

    try:
        server = http.server.ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise UsageError(
            f"Port {port} is taken: {error.strerror}. Nothing was started.",
            where="up.status",
            code="up.port",
            next_step="write another port, or 0 for any free one",
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/status"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One request for the status."""

    server_version, sys_version = "millrace", ""
    timeout = 5.0  # whoever connects and says nothing is left
    asked: ClassVar[tuple[Callable[[], WheelStatus], Gate]]

    def do_GET(self) -> None:
        current, gate = self.asked
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        path = self.path.partition("?")[0]
        if not _local(self.headers.get("Host", HOST)):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "up.host", "This is answered to names of this machine alone.")
        elif path not in {*TEXT, JSON}:
            self._refuse(HTTPStatus.NOT_FOUND, "up.path", f"Here are {TEXT[1]} and {JSON}.")
        elif refused := gate.refusal(headers):
            status, body, more = refused
            self._answer(status, "application/json", body, [(n.decode(), v.decode()) for n, v in more])
        elif path == JSON or "application/json" in self.headers.get("Accept", ""):
            self._answer(HTTPStatus.OK, "application/json", msgspec.json.format(msgspec.json.encode(current())))
        else:
            self._answer(HTTPStatus.OK, "text/plain; charset=utf-8", told(current()).encode())

    do_HEAD = do_GET  # noqa: N815 - the library names it so

    def _refuse(self, status: HTTPStatus, code: str, seen: str) -> None:
        self._answer(status, "application/json", msgspec.json.encode({"error": {"code": code, "seen": seen}}))

    def _answer(self, status: int, kind: str, body: bytes, more: list[tuple[str, str]] | None = None) -> None:
        self.send_response(status)
        fixed = {"Content-Type": kind, "Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"}
        for name, value in ({"Cache-Control": "no-store"} | fixed | {n.title(): v for n, v in more or ()}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


def _local(host: str) -> bool:
    """Whether a request names this machine, with or without a port."""
    return re.sub(r":\d+$", "", host).lower() in _NAMES


def told(status: WheelStatus) -> str:
    """The status as lines of plain text, for people and for `grep`.

    Examples
    --------
    >>> job = JobState("ingest", "5 s", last="2026-05-03T14:00:00+00:00", said="meters: 5 rows kept, 0 refused")
    >>> status = WheelStatus("mini", True, "desk", 7, "2026-05-03T13:00:00+00:00", "", (job,), champion="mini 1")
    >>> print(told(status), end="")
    mini turns: process 7 of desk, since 2026-05-03 13:00:00
    champion: mini 1
    ingest (5 s): waiting, last 2026-05-03 14:00:00: meters: 5 rows kept, 0 refused
    """
    turns = "turns" if status.running else "does not turn"
    lines = [f"{status.project} {turns}: process {status.pid} of {status.host}, since {_time(status.since)}"]
    lines.append(f"champion: {status.champion or 'none yet'}")
    if status.serving:
        lines.append(f"predictions: {status.serving}{f' on {status.url}' if status.url else ''}")
    return "\n".join([*lines, *(_line(job) for job in status.jobs)]) + "\n"


def _line(job: JobState) -> str:
    if job.failures:
        return f"{job.name} ({job.schedule}): failing {job.failures} times, next {_time(job.due)}: {job.error}"
    last = f", last {_time(job.last)}" if job.last else ""
    due = f", next {_time(job.due)}" if job.due else ""
    return f"{job.name} ({job.schedule}): {job.state}{last}{due}{f': {job.said}' if job.said else ''}"


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
