"""`millrace up`, killed again and again while a challenger is made and comes to its traffic, leaves nothing between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from millrace.project import Project
from millrace.store import runs, traffic
from wheels import PROJECT, assert_before_or_after, dying, events, millrace, running

pytestmark = pytest.mark.journey

#: How many wheels are killed, each so often; `make faults` asks for many.
WHEELS, DEATHS = int(os.environ.get("MILLRACE_FAULTS", "1")), 2
#: About as many signs of life as an undisturbed way gives, and with which one its run is on record.
SIGNS, ON_RECORD = 66, 51


@pytest.fixture(scope="module")
def hour_old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion that is an hour old, so that another is due, which comes by stages, and a file not read yet."""
    folder = tmp_path_factory.mktemp("hour-old")
    text = PROJECT.replace("1 min%s", "1 s, serve: false").replace("when:", "stages: [shadow, 50%], hold: 1 s, when:")
    (folder / "millrace.yaml").write_text(text)
    events(folder / "events-1.csv", 400, seed=1)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        assert Project.load(folder / "millrace.yaml").run().release
    events(folder / "events-2.csv", 50, seed=2)
    return folder


@pytest.mark.parametrize("wheel", range(WHEELS))
def test_a_wheel_killed_on_the_way_leaves_a_stage_before_or_after(hour_old: Path, tmp_path: Path, wheel: int) -> None:
    draw = random.Random(4 + wheel)
    folder = shutil.copytree(hour_old, tmp_path / "project")
    project = Project.load(folder / "millrace.yaml")
    for _ in range(DEATHS):
        sign = draw.randint(draw.choice([1, ON_RECORD]), SIGNS)
        with running(folder, dying(sign, draw.choice([0.0, draw.uniform(0, 0.5)]))) as (process, _):
            assert process.stdout
            if any(json.loads(line)["name"] == "monitor" and len(project.history()) == 2 for line in process.stdout):
                process.kill()  # less was left to do than to that sign
            assert process.wait(60) == -signal.SIGKILL
        it_stands_between_two_stages(project)
    with running(folder, millrace("up", "--json")) as (process, news):
        news("monitor")
        while len(project.history()) == 1:
            news("monitor")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    it_came_through(project)


def stages(project: Project) -> list[tuple[str, int]]:
    """What was entered into the traffic log, in order: the stage, and the release beside whose champion."""
    return [(one.reason.split(":")[0], one.release) for one in traffic.history(project.store)]


def it_stands_between_two_stages(project: Project) -> None:
    assert_before_or_after(project, rows={400, 450}, releases={1, 2})
    entered, past = stages(project), project.history()
    assert entered == [("Stage shadow", 1), ("Stage 50%", 1)][: len(entered)]
    if len(past) == 2:
        assert len(entered) == 2
    tried = traffic.current(project.store, past[-1])
    assert tried is None or (tried.challenger is None) != (tried.shadow is None)
    waiting = runs.waiting(project.store)
    assert [one.waits for one in waiting] in ([], ["stages"])
    assert tried is None or [one.package.version for one in waiting] == [(tried.challenger or tried.shadow).version]  # type: ignore[union-attr]


def it_came_through(project: Project) -> None:
    assert_before_or_after(project, rows={450}, releases={2})
    assert stages(project) == [("Stage shadow", 1), ("Stage 50%", 1)]
    assert project.history()[-1].evidence["stages"][:2] == ["shadow", "50%"]
    ended = runs.newest(project.store)
    assert ended
    assert (ended.release, ended.waits) == (project.history()[-1], "")
