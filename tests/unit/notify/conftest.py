"""Real receivers on loopback: an HTTP server and a mail server that keep what they get."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from millrace.records.message import Message
from millrace.store.objects import Store


@pytest.fixture
def message() -> Message:
    return Message(
        identity="c0ffee/1",
        project="churn",
        decision="roll back",
        what="roc_auc is 0.71 (0.68 to 0.74).",
        since="2026-05-03T02:00:00+00:00",
        at="2026-05-03T14:00:00+00:00",
        rows=12_400,
        package="churn",
        version=3,
        evidence=("`tenure`: the mean value went from 30 to <3> & less",),
        command="millrace release rollback",
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def http() -> Iterator[SimpleNamespace]:
    """`url`, `got` (parsed bodies with the key), and `status`, which a test may change."""
    kept = SimpleNamespace(got=[], keys=[], status=200)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            kept.keys.append(self.headers["Idempotency-Key"])
            self.send_response(kept.status)
            if kept.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret"
        yield kept
        server.shutdown()
        thread.join()


@pytest.fixture
def smtp() -> Iterator[SimpleNamespace]:
    """`url` and `got` (raw mails); receivers in `refused` are."""
    kept = SimpleNamespace(got=[], refused=set())

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            for line in self.rfile:
                verb = line.decode().strip()
                if verb.upper() == "DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    kept.got.append(b"".join(lines).decode())
                    self.say("250 taken")
                elif verb.upper() == "QUIT":
                    return self.say("221 bye")
                elif verb.startswith("rcpt") and any(name in verb for name in kept.refused):
                    self.say("550 nobody here")
                else:
                    self.say("250 fine")
            return None

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        kept.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield kept
        server.shutdown()
        thread.join()
