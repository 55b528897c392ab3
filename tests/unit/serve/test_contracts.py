"""What each cloud's contract for a container says, line by line, asked of a real one: started with `serve` alone.

The figures are those that the clouds document: SageMaker's and Vertex AI's guides for containers of one's own, Azure
ML's for managed online endpoints, Cloud Run's container contract, the README of Lambda's web adapter.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from millrace.serve.alone import PLACES, laid_out
from millrace.store.objects import Store
from serving import eventually
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}
OTHER = {"age": 90, "plan": "basic", "calls": 0}
DEFAULT_ROUTE = "/v1/endpoints/7/deployedModels/9:predict"
MILLRACE = [sys.executable, "-m", "millrace"]


class Container(NamedTuple):
    """A running container: its port, its process, and how long it took to be healthy, in seconds."""

    port: int
    process: subprocess.Popen[bytes]
    started: float

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=60, **more)  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def container(folder: Path, port_in: str = "PORT", **environment: str) -> Iterator[Container]:
    """`docker run IMAGE serve`, but for the image: the argument alone, and what the cloud puts into the environment."""
    port, began = free_port(), time.monotonic()
    told = {**os.environ, port_in: str(port), **environment}
    process = subprocess.Popen([*MILLRACE, "serve"], cwd=folder, env=told, stdout=subprocess.DEVNULL)
    try:
        running = Container(port, process, 0.0)

        def healthy() -> bool:
            try:
                return running.ask("GET", "/ping").status_code == 200
            except httpx.HTTPError:
                assert process.poll() is None, "the container stopped"
                return False

        assert eventually(healthy, seconds=240)
        yield running._replace(started=time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a model registry lays it out: the package a few folders down."""
    folder = tmp_path_factory.mktemp("laid")
    publish_tiny(Store(folder))
    return folder


@pytest.fixture(scope="module")
def plain(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """As SageMaker, Azure ML, Cloud Run and Lambda start it."""
    with container(tmp_path_factory.mktemp("work"), AZUREML_MODEL_DIR=str(model)) as running:
        yield running


@pytest.fixture(scope="module")
def vertex(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """As Vertex AI starts it; the port of another cloud is there too, and does not count."""
    told = {"AIP_STORAGE_URI": str(model), "AIP_ENDPOINT_ID": "7", "AIP_DEPLOYED_MODEL_ID": "9", "PORT": "1"}
    with container(tmp_path_factory.mktemp("work"), "AIP_HTTP_PORT", **told) as running:
        yield running


def labels(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["label"] for one in answer.json()["predictions"]]


def median_seconds(ask: Callable[[], object], times: int = 15) -> float:
    """The usual time of something: a machine may hold up one of them, not most."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        ask()
        took.append(time.monotonic() - began)
    return statistics.median(took)


def busy(running: Container, ask: Callable[[], object]) -> float:
    """The usual time of something while several clients keep the model at work."""
    stop, asked = threading.Event(), threading.Semaphore(0)

    def keep_asking() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=60) as client:
            while not stop.is_set():
                assert client.post("/invocations", json=[ROW] * 2000).status_code in {200, 503}
                asked.release()

    clients = [threading.Thread(target=keep_asking) for _ in range(3)]
    for client in clients:
        client.start()
    asked.acquire()
    try:
        return median_seconds(ask)
    finally:
        stop.set()
        for client in clients:
            client.join()


def connect(running: Container, host: str = "127.0.0.1") -> None:
    socket.create_connection((host, running.port), timeout=30).close()


def takes(running: Container, path: str, size: int) -> bool:
    """Whether a body of so many bytes is answered; few rows, with a long text each."""
    line = b"20,%s,0\n" % (b"x" * 9_994)
    assert len(line) == 10_000
    csv = {"Content-Type": "text/csv"}
    return running.ask("POST", path, content=line * (size // len(line)), headers=csv).status_code == 200


SAGEMAKER = {
    "GET /ping is 200 with an empty body": lambda c: (
        (answer := c.ask("GET", "/ping")).status_code == 200 and answer.content == b""
    ),
    "/ping turns healthy within 4 min of the start": lambda c: c.started < 240,
    "/ping answers within 2 s while the model is busy": lambda c: busy(c, lambda: c.ask("GET", "/ping")) < 2,
    "a socket is accepted within 250 ms while the model is busy": lambda c: busy(c, lambda: connect(c)) < 0.25,
    "/invocations answers within 60 s": lambda c: (
        median_seconds(lambda: labels(c.ask("POST", "/invocations", json=[ROW] * 1000)), 3) < 60
    ),
    "a serverless request of 4 MB is taken": lambda c: takes(c, "/invocations", 4 * 10**6),
    "headers nobody here knows are ignored": lambda c: (
        labels(c.ask("POST", "/invocations", json=ROW, headers={"X-Amzn-SageMaker-Target-Model": "a.tar.gz"}))
        == ["Yes"]
    ),
}
VERTEX = {
    "it listens on 0.0.0.0 at AIP_HTTP_PORT": lambda c: connect(c, "127.0.0.2") is None,
    "one route is both health and predict where none is set": lambda c: (
        c.ask("GET", DEFAULT_ROUTE).status_code == 200
        and labels(c.ask("POST", DEFAULT_ROUTE, json={"instances": [ROW]})) == ["Yes"]
    ),
    "predictions have the instances' order and number": lambda c: (
        labels(c.ask("POST", DEFAULT_ROUTE, json={"instances": [ROW, OTHER, ROW], "parameters": {"a": 1}}))
        == ["Yes", "No", "Yes"]
    ),
    "a liveness probe opens a socket up to 4 times, 10 s apart": lambda c: busy(c, lambda: connect(c)) < 10,
    "a public request of 1.5 MB is taken": lambda c: (
        len(labels(c.ask("POST", DEFAULT_ROUTE, json={"instances": [ROW] * 37_000}))) == 37_000
    ),
}
AZURE = {
    "the model lies below AZUREML_MODEL_DIR": lambda c: c.ask("GET", "/healthz").json()["package"] == "churn",
    "GET / is a liveness route": lambda c: c.ask("GET", "/").status_code == 200,
    "POST /score answers": lambda c: labels(c.ask("POST", "/score", json={"data": [ROW, OTHER]})) == ["Yes", "No"],
    "/swagger.json describes /score": lambda c: "post" in c.ask("GET", "/swagger.json").json()["paths"]["/score"],
    "a probe times out after 2 s": lambda c: busy(c, lambda: c.ask("GET", "/")) < 2,
    "a request of one row is answered within request_timeout_ms, 5000": lambda c: (
        median_seconds(lambda: labels(c.ask("POST", "/score", json=ROW))) < 5
    ),
}
OTHERS = {
    "Cloud Run: it listens on 0.0.0.0 at PORT": lambda c: connect(c, "127.0.0.2") is None,
    "Cloud Run: it starts within 4 min": lambda c: c.started < 240,
    "Container Apps: a probe of 1 s is answered": lambda c: busy(c, lambda: c.ask("GET", "/healthz")) < 1,
    "Lambda's adapter: READINESS_CHECK_PATH `/` is 200": lambda c: c.ask("GET", "/").status_code == 200,
    "Lambda: a request of 6 MB is taken": lambda c: takes(c, "/predict", 6 * 10**6),
}

Table = dict[str, Callable[[Container], bool]]


def rows(*tables: Table) -> list[object]:
    return [pytest.param(holds, id=words) for table in tables for words, holds in table.items()]


@pytest.mark.parametrize("holds", rows(SAGEMAKER, AZURE, OTHERS))
def test_the_contract_of_a_cloud_holds(plain: Container, holds: Callable[[Container], bool]) -> None:
    assert holds(plain)


@pytest.mark.parametrize("holds", rows(VERTEX))
def test_the_contract_of_vertex_holds(vertex: Container, holds: Callable[[Container], bool]) -> None:
    assert holds(vertex)


def test_vertex_sets_both_routes(model: Path, tmp_path: Path) -> None:
    told = {"AIP_STORAGE_URI": str(model), "AIP_HEALTH_ROUTE": "/well", "AIP_PREDICT_ROUTE": "/ask"}
    with container(tmp_path, "AIP_HTTP_PORT", **told) as running:
        assert running.ask("GET", "/well").status_code == 200
        assert labels(running.ask("POST", "/ask", json={"instances": [[20, "gold", 0]]})) == ["Yes"]


@pytest.mark.parametrize(
    ("sent", "answered"), [(b"20,gold,0\n" * 20_000, 200), (b"20,gold", 0)], ids=["a long request", "half a request"]
)
def test_a_sigterm_ends_it_before_the_kill_that_follows(
    model: Path, tmp_path: Path, sent: bytes, answered: int
) -> None:
    """Cloud Run and Vertex AI kill 10 s after SIGTERM, SageMaker and Fargate 30 s."""
    head = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: 200000\r\n\r\n"
    with (
        container(tmp_path, AZUREML_MODEL_DIR=str(model)) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=60) as client,
    ):
        client.sendall(head + sent)
        assert running.ask("GET", "/ping").status_code == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        assert client.recv(12) == (b"HTTP/1.1 %d" % answered if answered else b"")


def test_the_places_of_models_are_those_of_the_clouds(tmp_path: Path) -> None:
    assert PLACES == ("/opt/ml/model", "AZUREML_MODEL_DIR", "AIP_STORAGE_URI", "/mnt/models")
    told = {"AZUREML_MODEL_DIR": str(tmp_path), "AIP_STORAGE_URI": "gs://models/churn"}
    assert laid_out(told, ("/none", "AZUREML_MODEL_DIR", "AIP_STORAGE_URI")) == str(tmp_path)
    assert laid_out(told, ("NOT_SET", "AIP_STORAGE_URI")) == "gs://models/churn"
    assert laid_out({"AZUREML_MODEL_DIR": str(tmp_path / "none")}, ("AZUREML_MODEL_DIR",)) is None
