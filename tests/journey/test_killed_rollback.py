"""`millrace release rollback`, killed at any moment: the log is of before or after, and a running server agrees."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from millrace.project import Project
from millrace.store.audit import verify
from serving import eventually, serving
from tiny_package import publish_tiny
from wheels import dying

pytestmark = pytest.mark.journey

#: How many rollbacks are killed; `make faults` asks for many.
DEATHS = 2 * int(os.environ.get("MILLRACE_FAULTS", "1"))
#: The signs of life of a whole one, before and after each write: that it begins, the release, that it ended.
SIGNS = 6
ROLLBACK = ("release", "rollback", "--reason", "worse", "--json")
ROW = {"age": 20, "plan": "gold", "calls": 0}


def answering(url: str, version: int) -> bool:
    """Whether the workers answer with this version, whichever of them takes the next connections."""
    return all(httpx.post(f"{url}/predict", json=ROW).json()["version"] == version for _ in range(8))


def test_a_killed_rollback_leaves_one_champion_that_all_workers_follow(tmp_path: Path) -> None:
    (tmp_path / "millrace.yaml").write_text("sources: {c: {from: c.csv}}\nmodel: {predict: churn}\nproject: churn\n")
    project, draw = Project.load(tmp_path / "millrace.yaml"), random.Random(7)
    for version in (1, 2):
        publish_tiny(project.store, bias=float(version))
        project.promote(version)
    with serving(tmp_path / "store", settings='{"port": 0, "workers": 2}') as server:

        def follow(version: int) -> bool:
            return eventually(lambda: answering(server.url, version), seconds=30)

        for death in range(DEATHS):
            before = project.history()
            assert before[-1].version == 2
            # Every other one dies at a moment of the release itself; the others before a sign, anywhere.
            sign, later = (draw.randint(3, 4), draw.uniform(0, 0.004)) if death % 2 else (draw.randint(1, SIGNS), 0.0)
            killed = subprocess.run(dying(sign, later, ROLLBACK), cwd=tmp_path, check=False, capture_output=True)
            # What ended within those milliseconds did so in peace.
            assert killed.returncode in ({-signal.SIGKILL, 0} if later else {-signal.SIGKILL}), killed.stderr
            after = project.history()
            assert after[: len(before)] == before
            assert [(one.kind, one.version) for one in after[len(before) :]] in ([], [("rollback", 1)])
            assert verify(project.store).intact
            assert follow(after[-1].version)
            if after[-1].version == 1:
                project.promote(2)
                assert follow(2)
        project.rollback("worse")
        assert follow(1)
