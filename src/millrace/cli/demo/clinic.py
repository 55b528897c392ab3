"""The clinic's side of the demo: a real server, asked by a real client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from millrace.cli.demo.patients import TARGET, Row, questions
from millrace.errors import RemoteError

Answers = list[dict[str, object]]


class Clinic:
    """A client of the served model at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, rows: Sequence[Row]) -> Answers:
        """Send each row as a request of its own, as a clinic does."""
        return [self._post("/predict", {"rows": [row]})["predictions"][0] for row in questions(rows)]

    def version(self, row: Row) -> int:
        """Which version of the package answers now."""
        return int(self._post("/predict", {"rows": questions([row])})["version"])

    def tell(self, rows: Sequence[Row], answers: Answers) -> None:
        """Report what turned out true."""
        truths = [{"id": answer["id"], "outcome": row[TARGET]} for row, answer in zip(rows, answers, strict=True)]
        self._post("/feedback", truths)

    def wait_for(self, version: int, row: Row, seconds: float = 15.0) -> int:
        """Ask until `version` answers, or give up and say which one does."""
        deadline = time.monotonic() + seconds
        while (answering := self.version(row)) != version and time.monotonic() < deadline:
            time.sleep(0.1)
        return answering

    def _post(self, path: str, body: object) -> dict:  # type: ignore[type-arg]
        request = Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - the address is the loopback one started here
            content = answer.read()
        return json.loads(content) if content else {}


@contextmanager
def served(project: Path) -> Iterator[Clinic]:
    """Start `millrace serve` on a free port, give a client of it, and stop it at the end."""
    command = [sys.executable, "-m", "millrace", "serve", "--project", str(project), "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        yield Clinic(_address(server))
    finally:
        server.terminate()
        server.wait(timeout=20)


def _address(server: subprocess.Popen[str]) -> str:
    """Read the address that the server prints once it answers."""
    line = server.stdout.readline() if server.stdout else ""
    if not line:
        raise RemoteError("The server stopped before it answered.", where="demo", code="demo.server")
    return str(json.loads(line)["url"])
