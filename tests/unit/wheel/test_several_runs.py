"""What one run began, such as a challenger's way, goes on whatever comes of later runs, until the champion changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from challengers import PROJECT, START, begin, ended_run, parts, told
from millrace.config.stages import parse_stage
from millrace.project import Project
from millrace.store import runs, traffic
from millrace.wheel import stages
from millrace.wheel.acting import take_up
from tiny_package import publish_tiny

SETTLED = ("", None)


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """Version 2 is on its way, in its 5 %; then a forced run ended whose version 3 did not pass the gate."""
    project = begin(tmp_path, getattr(request, "param", ""))
    assert parts(project, 0, 1.01)[-1] == ("5%", "champion 1")
    ended_run(project, "20260502T120000-bbbbbb", publish_tiny(project.store, bias=2.0), passed=False)
    return project


def outcome(project: Project, run: str) -> tuple[str, int | None]:
    ended = runs.find(project.store, run)
    return ended.waits, ended.release.number if ended.release else None


def test_a_later_run_that_fails_the_gate_leaves_the_challenger_on_its_way(project: Project) -> None:
    assert parts(project, 2.02, 3.03) == [("50%", "champion 1"), (None, "champion 2")]
    assert outcome(project, "20260501T000000-aaaaaa") == ("", 2)


def test_it_still_retreats_on_harm(project: Project) -> None:
    told(project, 1.6, right=120)
    assert parts(project, 1.8, 5) == [(None, "champion 1")] * 2
    assert traffic.history(project.store)[-1].reason.startswith("Retreat: The challenger, version 2, is worse than")
    assert outcome(project, "20260501T000000-aaaaaa") == SETTLED


def test_a_later_run_that_is_released_ends_its_way(project: Project) -> None:
    late = ended_run(project, "20260502T130000-cccccc", publish_tiny(project.store, bias=3.0), waits="release")
    assert parts(project, 1.6, 5) == [(None, "champion 4")] * 2
    assert (outcome(project, "20260501T000000-aaaaaa"), outcome(project, late)) == (SETTLED, ("", 2))
    assert runs.waiting(project.store) == ()


def test_a_promotion_by_hand_ends_its_way(project: Project) -> None:
    with time_machine.travel(START + timedelta(days=1.6)):
        project.promote(3)
    assert parts(project, 1.7, 5) == [(None, "champion 3")] * 2
    assert outcome(project, "20260501T000000-aaaaaa") == SETTLED


def test_no_stage_begins_beside_a_champion_of_this_very_moment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(text: str) -> float | None:
        if project.history()[-1].version == 1:
            project.promote(3)
        return parse_stage(text)

    monkeypatch.setattr(stages, "parse_stage", meanwhile)
    assert parts(project, 2.02, 5) == [(None, "champion 3")] * 2
    assert len(traffic.history(project.store)) == 2
    assert outcome(project, "20260501T000000-aaaaaa") == SETTLED


@pytest.mark.parametrize("project", [", approval: required"], indirect=True)
def test_a_person_is_still_asked_and_agrees_on_the_evidence_of_its_run(project: Project) -> None:
    assert parts(project, 2.02, 3.03, 4)[-1] == ("50%", "champion 1")
    assert outcome(project, "20260501T000000-aaaaaa") == ("approval", None)
    with time_machine.travel(START + timedelta(days=4.1)):
        assert project.promote(2).evidence["run"] == "20260501T000000-aaaaaa"
    assert parts(project, 4.2) == [(None, "champion 2")]
    assert outcome(project, "20260501T000000-aaaaaa") == ("", 2)


@pytest.mark.parametrize("project", [", approval: required"], indirect=True)
def test_harm_makes_it_retreat_while_a_person_is_asked(project: Project) -> None:
    parts(project, 2.02, 3.03)
    told(project, 3.5, right=120)
    assert parts(project, 4, 5) == [(None, "champion 1")] * 2
    assert outcome(project, "20260501T000000-aaaaaa") == SETTLED


def test_without_stages_in_the_project_file_any_more_it_gets_all_of_the_traffic(project: Project) -> None:
    project.path.write_text(PROJECT.replace("stages: [shadow, 5%, 50%], hold: 1 day MORE", ""))
    with time_machine.travel(START + timedelta(days=2)):
        released = take_up(Project.load(project.path)._site(), by="wheel")
    assert released
    assert (released.version, released.kind) == (2, "promote")
