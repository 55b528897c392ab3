"""`millrace up` turns the wheel as a real process: what arrives is learned from, and a death leaves nothing between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from millrace.project import Project
from millrace.store import runs
from millrace.store.audit import verify
from wheels import PROJECT, assert_before_or_after, dying, events, millrace, running

pytestmark = pytest.mark.journey

#: How many deaths to try; `make faults` asks for many.
DEATHS = int(os.environ.get("MILLRACE_FAULTS", "1"))


def test_what_is_dropped_in_is_ingested_and_a_model_answers(tmp_path: Path) -> None:
    (tmp_path / "millrace.yaml").write_text(PROJECT % ", status: 0")
    with running(tmp_path, millrace("up", "--json")) as (process, news):
        assert "nothing is there yet" in news("ingest")
        events(tmp_path / "events-1.csv", 400, seed=1)
        assert news("ingest", "kept") == "events: 400 rows kept, 0 refused (version 1)"
        second = subprocess.run(millrace("up"), cwd=tmp_path, check=False, capture_output=True, text=True)
        assert second.returncode == 2
        assert f"process {process.pid}" in second.stderr
        news("monitor", "mini 1 is champion")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with running(tmp_path, millrace("up", "--json")) as (process, news):
        events(tmp_path / "events-2.csv", 50, seed=2)
        assert news("ingest", "50").startswith("events: 50 rows kept")
        project = Project.load(tmp_path / "millrace.yaml")
        while not (status := project.status()).url:
            assert process.poll() is None
        assert (status.running, status.champion) == (True, "mini 1")
        with urllib.request.urlopen(status.status_url, timeout=20) as answer:
            assert f"champion: mini 1\npredictions: answers on {status.url}\n" in answer.read().decode()
        request = urllib.request.Request(f"{status.url}/predict", b'[{"a": 1.0, "b": 1.0}]')
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)["predictions"][0]["label"] == "yes"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not project.status().running
    assert verify(project.store).intact


@pytest.fixture(scope="module")
def hour_old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose champion is an hour old, so that a retraining is due, and a file that nobody has read yet."""
    folder = tmp_path_factory.mktemp("hour-old")
    (folder / "millrace.yaml").write_text(PROJECT % ", serve: false")
    events(folder / "events-1.csv", 400, seed=1)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        assert Project.load(folder / "millrace.yaml").run().release
    events(folder / "events-2.csv", 50, seed=2)
    return folder


@pytest.fixture(scope="module")
def signs(hour_old: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many signs of life an undisturbed turn gives."""
    folder = shutil.copytree(hour_old, tmp_path_factory.mktemp("whole") / "project")
    most = 10_000
    with running(folder, dying(most)) as (process, news):
        assert news("monitor").startswith("mini 2 is champion (The champion is 0 days old")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate()
        assert process.returncode == 0
    return most - int(said.split()[-1])


@pytest.mark.parametrize("death", range(DEATHS))
def test_a_killed_wheel_leaves_the_state_of_before_or_after(
    hour_old: Path, signs: int, tmp_path: Path, death: int
) -> None:
    draw = random.Random(death)
    at = (
        1
        + (death if signs < DEATHS else draw.randrange(death * signs // DEATHS, (death + 1) * signs // DEATHS)) % signs
    )
    folder = shutil.copytree(hour_old, tmp_path / "project")
    with running(folder, dying(at)) as (process, _):
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    project = Project.load(folder / "millrace.yaml")
    assert_before_or_after(project, rows={400, 450}, releases={1, 2})
    with running(folder, millrace("up", "--json")) as (process, news):
        news("monitor")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert_before_or_after(project, rows={450}, releases={2})
    ended = runs.newest(project.store)
    assert ended
    assert ended.release == project.history()[-1]
    assert not ended.waits
