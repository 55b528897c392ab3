from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from millrace.config.schema import ServeSettings
from millrace.errors import ReleaseError, TamperedError, UsageError
from millrace.records.release import Release
from millrace.serve.stage import serve
from millrace.store.integrity import sign_folder
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.prediction_log import feedback, predictions, service
from millrace.store.releases import append
from millrace.store.signing import make_keys
from serving import Server, alive, eventually, serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}


def release(store: Store, version: int) -> None:
    def following(past: tuple[Release, ...]) -> Release:
        previous = past[-1].version if past else None
        return Release(len(past) + 1, "promote", "churn", version, previous, "2026-05-17T00:00:00Z", "a test", "")

    append(store, following)


def kill_all(server: Server) -> None:
    """Kill caller, server, workers and settler at once, and wait until they are gone."""
    processes = [server.process.pid, *server.descendants()]
    for process in processes:
        os.kill(process, signal.SIGKILL)
    assert eventually(lambda: not any(alive(process) for process in processes))


def served_version(url: str) -> int:
    answer: int = httpx.post(f"{url}/predict", json=ROW).json()["version"]
    return answer


def test_a_new_champion_answers_within_a_second_or_two_without_a_restart(store: Store) -> None:
    release(store, 1)
    with serving(Path(store.url)) as server:
        assert served_version(server.url) == 1
        publish_tiny(store, bias=-5.0)
        release(store, 2)
        assert eventually(lambda: served_version(server.url) == 2, seconds=3)
        release(store, 1)
        assert eventually(lambda: served_version(server.url) == 1, seconds=3)


def test_a_champion_that_was_tampered_with_never_answers(store: Store) -> None:
    release(store, 1)
    with serving(Path(store.url)) as server:
        changed = Path(publish_tiny(store, bias=-5.0).path)
        (changed / "model.onnx").write_bytes(b"other bytes")
        release(store, 2)
        failed = "millrace_failed_switches_total 1.0"
        assert eventually(lambda: failed in httpx.get(f"{server.url}/metrics").text, seconds=3)
        assert served_version(server.url) == 1


def failed_switches(server: Server) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("millrace_failed_switches_total")).split()[1])


def test_a_trusting_server_follows_only_to_what_its_key_signed(store: Store, tmp_path: Path) -> None:
    public = make_keys(tmp_path / "key.pem")
    sign_folder(find(store, "churn", 1).path, tmp_path / "key.pem")
    release(store, 1)
    with serving(Path(store.url), settings=json.dumps({"port": 0, "trust": str(public)})) as server:
        unsigned = publish_tiny(store, bias=-5.0)
        release(store, 2)
        assert eventually(lambda: failed_switches(server) == 1, seconds=3)
        assert served_version(server.url) == 1
        sign_folder(unsigned.path, tmp_path / "key.pem")
        assert eventually(lambda: served_version(server.url) == 2, seconds=3)
        (Path(find(store, "churn", 1).path) / "manifest.sig").unlink()
        release(store, 1)
        assert eventually(lambda: failed_switches(server) == 2, seconds=3)
        assert served_version(server.url) == 2


def test_a_trusting_server_does_not_start_with_what_another_key_signed(store: Store, tmp_path: Path) -> None:
    make_keys(tmp_path / "other.pem")
    sign_folder(find(store, "churn", 1).path, tmp_path / "other.pem")
    settings = ServeSettings(port=0, trust=str(make_keys(tmp_path / "key.pem")))
    with pytest.raises(TamperedError, match="not the trusted key's signature"):
        serve(store, settings, package="churn", version=1)


def test_a_signed_version_in_the_place_of_another_is_refused(store: Store, tmp_path: Path) -> None:
    settings = ServeSettings(port=0, trust=str(make_keys(tmp_path / "key.pem")))
    old, new = Path(find(store, "churn", 1).path), Path(publish_tiny(store, bias=-5.0).path)
    sign_folder(old, tmp_path / "key.pem")
    shutil.copytree(old, new, dirs_exist_ok=True)
    with pytest.raises(TamperedError, match="Version 1 of churn was signed, and this is the place of another"):
        serve(store, settings, package="churn", version=2)


def test_every_answer_of_a_killed_worker_is_in_the_log_once(store: Store) -> None:
    answered: list[str] = []
    with serving(Path(store.url), version=1, settings='{"port": 0, "workers": 2}') as server:
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    with httpx.Client(base_url=server.url) as client:
                        while not stop.is_set():
                            answer = client.post("/predict", json=[ROW, ROW]).json()
                            answered.extend(prediction["id"] for prediction in answer["predictions"])
                except httpx.HTTPError:
                    continue

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        assert eventually(lambda: len(answered) > 300)
        kill_all(server)
        stop.set()
        for asker in askers:
            asker.join()
    logged = predictions(store)["prediction_id"]
    assert logged.n_unique() == len(logged)
    assert set(answered) <= set(logged)
    assert len(answered) > 300


def test_feedback_that_was_accepted_survives_a_kill(store: Store) -> None:
    with serving(Path(store.url), version=1) as server:
        assert httpx.post(f"{server.url}/feedback", json={"id": "a", "outcome": "No"}).status_code == 200
        kill_all(server)
    assert feedback(store).select("prediction_id", "outcome").rows() == [("a", "No")]


def test_nothing_is_left_running_when_the_caller_is_killed(store: Store) -> None:
    with serving(Path(store.url), version=1, settings='{"port": 0, "workers": 2}') as server:
        name = httpx.post(f"{server.url}/predict", json=ROW).json()["predictions"][0]["id"]
        processes = server.descendants()
        assert len(processes) == 4  # the server, its two workers, the settler
        server.process.kill()
        assert eventually(lambda: not any(alive(process) for process in processes))
    assert predictions(store)["prediction_id"].to_list() == [name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_settles_the_log(store: Store, number: int) -> None:
    with serving(Path(store.url), version=1) as server:
        httpx.post(f"{server.url}/predict", json=ROW)
        processes = server.descendants()
        assert server.stop(number) == 0
        assert not any(alive(process) for process in processes)
    assert list(Path(store.at("log/wal")).glob("*")) == [Path(store.at("log/wal/.settling"))]
    assert predictions(store).height == 1


def test_a_killed_worker_is_replaced(store: Store) -> None:
    with serving(Path(store.url), version=1) as server:
        workers = [process for process in server.descendants() if _parent(process) != server.process.pid]
        os.kill(workers[0], signal.SIGKILL)

        def answers() -> bool:
            try:
                return served_version(server.url) == 1
            except httpx.HTTPError:
                return False

        assert eventually(answers)


def test_all_workers_are_counted(store: Store) -> None:
    with serving(Path(store.url), version=1, settings='{"port": 0, "workers": 2}') as server:
        for _ in range(20):
            assert httpx.post(f"{server.url}/predict", json=ROW).status_code == 200
        assert eventually(lambda: "millrace_rows_total 20.0" in httpx.get(f"{server.url}/metrics").text)


def test_log_none_keeps_feedback_and_no_predictions(store: Store) -> None:
    with serving(Path(store.url), version=1, settings='{"port": 0, "log": "none"}') as server:
        assert httpx.post(f"{server.url}/predict", json=ROW).status_code == 200
        assert httpx.post(f"{server.url}/feedback", json={"id": "a", "outcome": "No"}).status_code == 200
        assert server.stop() == 0
    assert predictions(store).height == 0
    assert feedback(store).height == 1


def test_a_port_that_is_taken_is_refused(store: Store) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="cannot be used"):
            serve(store, ServeSettings(port=other.getsockname()[1]), package="churn", version=1)


@pytest.mark.parametrize(
    ("host", "keys", "warned"),
    [("0.0.0.0", "none", True), ("0.0.0.0", "required", False), ("127.0.0.1", "none", False)],
)
def test_being_open_to_other_machines_is_said(
    store: Store, caplog: pytest.LogCaptureFixture, host: str, keys: str, warned: bool
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = ServeSettings.model_validate({"host": host, "port": other.getsockname()[1], "keys": keys})
        with pytest.raises(UsageError, match="cannot be used"):
            serve(store, settings, package="churn", version=1)
    assert ("access.open" in caplog.text) == warned


def test_without_a_champion_nothing_is_served(store: Store) -> None:
    with pytest.raises(ReleaseError, match="No version of churn is champion"):
        serve(store, ServeSettings(port=0), package="churn")


def test_a_package_that_was_tampered_with_is_not_served(store: Store) -> None:
    (Path(find(store, "churn", 1).path) / "model.onnx").write_bytes(b"other bytes")
    with pytest.raises(TamperedError, match=r"model\.onnx differs"):
        serve(store, ServeSettings(port=0), package="churn", version=1)


_HEAVY = {"polars", "deltalake", "duckdb", "pandas", "sklearn", "lightgbm", "scipy", "onnx", "altair", "pydantic"}
_LOADED = """
import asyncio, sys
from millrace.serve.worker import create

class Scope:
    server = client = "127.0.0.1:1"
    http_version, scheme, query_string, headers = "1.1", "http", "", {}

    def __init__(self, method, path):
        self.method, self.path = method, path

class Exchange:
    async def __call__(self):
        return b'{"age": 20}'
    async def __aiter__(self):
        yield b'{"age": 20}'
    def response_bytes(self, status, headers, body):
        assert status == 200, body

app = create()
for asked in (("POST", "/predict"), ("GET", "/metrics"), ("GET", "/")):
    asyncio.run(app.__rsgi__(Scope(*asked), Exchange()))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_the_process_that_answers_loads_no_heavy_library(store: Store, tmp_path: Path) -> None:
    from millrace.serve.child import Orders

    orders = Orders(store.url, "churn", 1, 1, "127.0.0.1", 0, 1, 1.0, str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], env=orders.environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert loaded.isdisjoint(_HEAVY)


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_what_the_workers_counted_is_in_the_log_once_they_stopped(store: Store) -> None:
    with serving(Path(store.url), version=1, settings='{"port": 0, "workers": 2, "log": "none"}') as server:
        for _ in range(20):
            httpx.post(f"{server.url}/predict", json=ROW)
        httpx.get(f"{server.url}/healthz")
        httpx.post(f"{server.url}/predict", content=b"no rows")
        assert server.stop() == 0
    counted = service(store)
    assert (counted["requests"].sum(), counted["failed"].sum()) == (21, 0)
    assert sum(sum(row) for row in counted["latencies"].to_list()) == 21
    assert set(counted["version"]) == {1}
