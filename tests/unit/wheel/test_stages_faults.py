"""A death before or after any write of a challenger's way leaves what was before or after it, and the way goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import time_machine

from challengers import START, begin, told
from lives import NEVER, living
from millrace.project import Project
from millrace.store import runs, traffic
from millrace.store.audit import verify
from millrace.wheel.acting import take_up

#: What the wheel looks at, on which days after the run.
DAYS = (0.0, 1.01, 2.02, 3.03, 4.04)


def state(project: Project) -> tuple[str | None, str | None, int]:
    """Who is tried in which part, who listens, and who is champion."""
    current = project.history()[-1]
    tried = traffic.current(project.store, current)
    answers = f"{tried.challenger.weight:.0%}" if tried and tried.challenger else None
    return answers, "listens" if tried and tried.shadow else None, current.version


def way(folder: Path, more: str, right: int | None, death: int) -> tuple[int, list[Any]]:
    """The signs of a whole way, and its states after each look and after the death; whoever dies is started anew."""
    project, given, seen = begin(folder, more), 0, [(None, None, 1)]
    for day in DAYS:
        if day == DAYS[2] and right is not None:
            told(project, 1.5, right)
        with time_machine.travel(START, tick=False) as clock:
            clock.move_to(START.timestamp() + day * 86400)
            with living(death - given) as life:
                take_up(project._site(), by="wheel")
            given += life.signs
            seen.append(state(project))
            if life.signs >= life.most:
                take_up(project._site(), by="wheel")
                seen.append(state(project))
                death = NEVER
    ended = runs.newest(project.store)
    assert ended
    log = [(one.reason.split(":")[0], one.number) for one in traffic.history(project.store)]
    assert verify(project.store).intact
    return given, [seen, log, ended.waits, ended.release is None, len(project.history())]


@pytest.mark.parametrize(
    ("more", "right"),
    [("", None), (", approval: required", None), ("", 120), ("", 390)],
    ids=["through every stage", "to a person's approval", "retreat", "surely better"],
)
def test_a_death_anywhere_on_the_way_is_as_if_it_never_was(tmp_path: Path, more: str, right: int | None) -> None:
    whole, (seen, *result) = way(tmp_path / "whole", more, right, NEVER)
    assert whole >= 8
    for death in range(1, whole + 1):
        _, (found, *ended) = way(tmp_path / str(death), more, right, death)
        assert ended == result, f"killed at sign {death}"
        assert [one for one in found if one not in seen] == [], f"killed at sign {death}"
