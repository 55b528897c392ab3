"""Bodies over a real connection: in parts, slow, cut off, and larger than allowed."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from millrace.serve import body
from millrace.serve.body import Patience
from millrace.store.objects import Store
from serving import Server, eventually, serving
from tiny_package import publish_tiny

ROW = json.dumps({"age": 20, "plan": "gold", "calls": 0}).encode()
IMPATIENT = """
import asyncio, sys
from granian.constants import Interfaces
from granian.server.embed import Server
from millrace.inference.model import Model
from millrace.serve import body
from millrace.serve.application import Application
from millrace.serve.core import Core

body.SECONDS, body._LOOK_SECONDS = 0.5, 0.1
application = Application(Core(Model.open(sys.argv[1])))
asyncio.run(Server(application, port=int(sys.argv[2]), interface=Interfaces.RSGI, log_enabled=False).serve())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bodies")
    publish_tiny(Store(folder))
    with serving(folder, version=1, settings='{"port": 0, "limits": {"body_mib": 1}}') as server:
        yield server


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_a_body_in_parts_of_unknown_length_is_read_whole(server: Server, path: str) -> None:
    parts = [ROW[:5], ROW[5:9], ROW[9:]]
    answer = httpx.post(f"{server.url}{path}", content=iter(parts), headers={"content-type": "application/json"})
    assert answer.json()["predictions"][0]["label"] == "Yes"


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_a_body_in_parts_is_refused_once_it_is_larger_than_allowed(server: Server, path: str) -> None:
    answer = httpx.post(f"{server.url}{path}", content=iter([b" " * (1 << 19), b" " * (1 << 19), b" "]))
    assert (answer.status_code, answer.json()["error"]["allowed"]) == (413, ["1048576 bytes"])


def test_many_requests_of_one_connection_are_answered_in_turn(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        asked = [client.post("/predict", content=ROW), client.get("/healthz"), client.post("/predict", content=b"{")]
        asked += [client.post("/invocations", content=ROW), client.post("/predict", content=iter([ROW]))]
    assert [answer.status_code for answer in asked] == [200, 200, 400, 200, 200]


def test_a_client_that_leaves_in_the_midst_of_its_body_stops_nobody(server: Server) -> None:
    at = httpx.URL(server.url)
    for _ in range(20):
        with socket.create_connection((at.host, at.port)) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
    assert httpx.post(f"{server.url}/predict", content=ROW).status_code == 200


def test_a_key_that_cannot_be_read_is_refused_not_forgotten(server: Server) -> None:
    for path in ("/predict", "/invocations"):
        answer = httpx.post(f"{server.url}{path}", content=ROW, headers={"Millrace-Key": "Müller".encode()})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "Millrace-Key")
    assert httpx.post(f"{server.url}/predict", content=ROW, headers={"Millrace-Key": "Mueller"}).status_code == 200


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.URL]:
    """Where an application answers that waits half a second for a body."""
    info = publish_tiny(Store(tmp_path_factory.mktemp("impatient")))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", IMPATIENT, info.path, str(port)]) as process:
        assert eventually(lambda: is_open(port), 30)
        yield httpx.URL(f"http://127.0.0.1:{port}")
        process.terminate()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("sent", ["", "1\r\n{\r\n"], ids=["nothing", "a part"])
def test_a_body_that_does_not_come_is_408(impatient: httpx.URL, path: str, length: str, sent: str) -> None:
    with socket.create_connection((impatient.host, impatient.port), timeout=30) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n{sent}".encode())
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request.too-slow" in answer
    assert httpx.post(impatient.join("/predict"), content=ROW).status_code == 200


def test_who_waits_too_long_is_told_and_the_others_go_on_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "SECONDS", 0.02)
    monkeypatch.setattr(body, "_LOOK_SECONDS", 0.01)

    async def wait() -> list[object]:
        patience, never = Patience(), asyncio.Event()

        async def soon() -> str:
            await asyncio.sleep(0)
            return "came"

        waits = [patience.wait(never.wait()), patience.wait(soon())]
        return list(await asyncio.gather(*waits, return_exceptions=True))

    late, came = asyncio.run(wait())
    assert isinstance(late, TimeoutError)
    assert came == "came"


def test_who_is_cancelled_by_another_is_not_told_that_it_was_slow() -> None:
    async def wait() -> None:
        task = asyncio.create_task(Patience().wait(asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(wait())
