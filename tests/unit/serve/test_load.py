"""A real server under clients that are many, slow, large, or all of it."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millrace.serve.body import MEBIBYTE
from millrace.store.objects import Store
from millrace.store.prediction_log import predictions
from serving import Server, serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}
IDLE = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("loaded")
    publish_tiny(Store(folder))
    with serving(folder, version=1, settings='{"port": 0, "limits": {"body_mib": 8, "queue": 4}}') as server:
        yield server


def connected(server: Server, sent: bytes = b"") -> socket.socket:
    """A connection over which `sent` was sent."""
    at = httpx.URL(server.url)
    connection = socket.create_connection((at.host, at.port), timeout=30)
    connection.sendall(sent)
    return connection


def head(length: int) -> bytes:
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length


def large(rows: int) -> bytes:
    return json.dumps([ROW] * rows).encode()


def received(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def test_a_body_above_the_limit_of_the_settings_is_413(server: Server) -> None:
    answer = httpx.post(f"{server.url}/predict", content=b" " * (8 * MEBIBYTE + 1))
    assert (answer.status_code, answer.json()["error"]["allowed"]) == (413, ["8388608 bytes"])


def test_idle_and_slow_clients_stop_nobody(server: Server) -> None:
    with ExitStack() as open_ones:
        for sent in (b"", b"POST /pre", head(100), head(100) + b"[{"):
            for _ in range(IDLE // 4):
                open_ones.enter_context(connected(server, sent))
        for _ in range(20):
            assert httpx.post(f"{server.url}/predict", json=ROW, timeout=5).status_code == 200
        assert httpx.get(f"{server.url}/healthz", timeout=5).status_code == 200


def test_a_full_line_is_503_with_a_time_to_come_again_and_the_others_are_answered(server: Server) -> None:
    body = large(20_000)
    with ThreadPoolExecutor(12) as clients:
        asked = [clients.submit(httpx.post, f"{server.url}/predict", content=body, timeout=60) for _ in range(12)]
        answers = [one.result() for one in asked]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert busy.headers["retry-after"] == "1"
    assert busy.json()["error"]["code"] == "server.busy"
    assert all(len(answer.json()["predictions"]) == 20_000 for answer in answers if answer.status_code == 200)
    assert httpx.post(f"{server.url}/predict", json=ROW).status_code == 200


def test_probes_and_short_requests_pass_a_long_one(server: Server) -> None:
    body = large(100_000)
    with httpx.Client(base_url=server.url) as client, connected(server, head(len(body)) + body) as long:
        passed = 0
        long.setblocking(False)
        while True:
            try:
                assert long.recv(1 << 16)
                break
            except BlockingIOError:
                assert client.get("/ping").status_code == 200
                assert client.post("/predict", json=ROW).status_code == 200
                passed += 1
        assert passed >= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_before_the_server_ends(tmp_path: Path, number: int) -> None:
    store = Store(tmp_path)
    publish_tiny(store)
    body = large(50_000)
    with serving(tmp_path, version=1) as server:
        long, idle = connected(server, head(len(body)) + body[:-1]), connected(server)
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(received(long)))
        reader.start()
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        long.sendall(body[-1:])
        server.process.send_signal(number)
        began = time.monotonic()
        reader.join(30)
        assert server.process.wait(30) == 0
        took = time.monotonic() - began
        long.close()
        idle.close()
    assert answers[0].startswith(b"HTTP/1.1 200")
    assert took < 10
    assert predictions(store).height == 50_000


def test_a_client_that_asks_too_often_is_429_with_a_time_to_come_again(tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path))
    with (
        serving(tmp_path, version=1, settings='{"port": 0, "limits": {"rate": 2}}') as server,
        httpx.Client(base_url=server.url) as client,
    ):
        answers = [client.post("/predict", json=ROW) for _ in range(4)]
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        assert answers[-1].status_code == 429
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].json()["error"]["code"] == "access.rate"
        assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9


_CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
_TABULAR = ["rows", "columns", "instances", "data", "inputs", "input_data", "dataframe_split", "dataframe_records"]
_NAME = st.sampled_from([*_TABULAR, "age", "plan", "calls", "id", "outcome", "name", "shape", "datatype"])
_BODY = st.recursive(
    _CELL, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAME | st.text(max_size=5), inner, max_size=5)
)
_PATHS = ["/predict", "/feedback", "/invocations", "/v2/models/churn/infer"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(_PATHS),
    body=_BODY.map(lambda body: json.dumps(body).encode("utf-8", "surrogatepass")) | st.binary(max_size=200),
    kind=st.sampled_from(["application/json", "text/csv"]),
)
def test_no_body_breaks_the_server(server: Server, path: str, body: bytes, kind: str) -> None:
    with httpx.Client(base_url=server.url) as client:
        answer = client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code in {200, 400, 422}, answer.text
    assert answer.headers["content-type"].startswith(("application/json", "text/csv"))
