"""The whole wheel with raw data and store in an object store: run, replay, serve, log, monitor, retrain."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import from_url

from emulators import KEY, SECRET, free_port
from millrace.cli.demo.patients import messy, patients, questions, tidy
from millrace.store.objects import Store
from millrace.store.prediction_log import PREDICTIONS
from millrace.store.tables import Table

pytestmark = pytest.mark.journey

PROJECT = """\
version: 1
project: clinic
sources:
  records:
    from: {bucket}/raw/records-*.csv
    key: patient_id
    missing: ["", "n/a", " "]
    columns:
      mean_radius: {{type: number}}
    clean:
      - trim: all
      - drop_duplicates: patient_id
    checks:
      area_is_positive: mean_area >= 0
model:
  predict: diagnosis
  budget: 2 s
store: {bucket}/lake
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        assert "Answering on" in server.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=60)


def asked(url: str, content: object) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(content).encode()), timeout=30) as answer:
        return json.loads(answer.read())


def test_the_whole_wheel_turns_in_an_object_store(
    bucket: str, told: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    data = patients()
    obstore.put(from_url(bucket), "raw/records-1.csv", messy(data.known).encode())
    project = tmp_path / "millrace.yaml"
    project.write_text(PROJECT.format(bucket=bucket))

    first = told("run")
    assert first["release"]["number"] == 1
    (ingested,) = first["ingest"].values()
    assert ingested["read"] == ingested["kept"] + ingested["quarantined"] + ingested["duplicate"]
    assert "area_is_positive" in {rule["rule"] for rule in told("quarantine", "list")}
    project.write_text(PROJECT.format(bucket=bucket).replace("mean_area >= 0", "mean_area >= -5"))
    assert told("quarantine", "replay", "records")["kept"] == 1
    assert told("package", "verify")["version"] == 1
    assert told("package", "inspect", "--path", f"{bucket}/lake/packages/clinic/1")["version"] == 1

    with serving(tmp_path) as url:
        answered = asked(f"{url}/predict", {"rows": questions(data.usual[:40])})["predictions"]
        asked(f"{url}/feedback", [{"id": one["id"], "outcome": one["label"]} for one in answered])
    assert Table(Store(f"{bucket}/lake"), PREDICTIONS).read().height == 40
    assert told("monitor")["decision"] in {"keep", "retrain", "roll back"}

    obstore.put(from_url(bucket), "raw/records-2.csv", tidy(data.usual).encode())
    again = told("retrain", "--force")
    assert told("release", "history")[0]["number"] == 1
    assert again["run"]["ingest"]["records"]["files"] == 1
    assert told("ingest")[0]["read"] == 0

    objects = from_url(bucket)
    everything = [bytes(obstore.get(objects, entry["path"]).bytes()) for entry in obstore.list(objects).collect()]
    assert not [secret for secret in (SECRET, KEY) if any(secret.encode() in content for content in everything)]
