"""A challenger comes to its traffic stage by stage, retreats on harm, and enters no stage twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from challengers import PROJECT, START, begin, parts, told
from millrace.errors import ProjectFileError
from millrace.project import Project
from millrace.release.traffic import stop
from millrace.store import runs, traffic
from tiny_package import publish_tiny


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    return begin(tmp_path, getattr(request, "param", ""))


def test_each_stage_is_held_and_the_last_one_leads_to_all_of_the_traffic(project: Project) -> None:
    assert parts(project, 0, 0.5, 1.01, 1.01, 1.9, 2.02, 2.5, 3.03) == [
        ("shadow", "champion 1"),
        ("shadow", "champion 1"),
        ("5%", "champion 1"),
        ("5%", "champion 1"),
        ("5%", "champion 1"),
        ("50%", "champion 1"),
        ("50%", "champion 1"),
        (None, "champion 2"),
    ]
    last = project.history()[-1]
    assert (last.by, last.reason) == ("wheel", "harm")
    assert last.evidence["stages"][:3] == ["shadow", "5%", "50%"]
    ended = runs.newest(project.store)
    assert ended
    assert (ended.waits, ended.release) == ("", last)
    reasons = [one.reason for one in traffic.history(project.store)]
    assert [reason.split(":")[0] for reason in reasons if reason.startswith("Stage")] == [
        "Stage shadow",
        "Stage 5%",
        "Stage 50%",
    ]


def test_harm_makes_it_retreat_for_good(project: Project) -> None:
    assert parts(project, 0, 1.01)[-1] == ("5%", "champion 1")
    told(project, 1.2, right=120)
    assert parts(project, 1.5, 1.6, 5) == [(None, "champion 1")] * 3
    assert traffic.history(project.store)[-1].reason.startswith("Retreat: The challenger, version 2, is worse than")
    ended = runs.newest(project.store)
    assert ended
    assert (ended.waits, ended.release) == ("", None)


def test_one_that_is_surely_better_waits_no_longer(project: Project) -> None:
    parts(project, 0, 1.01)
    told(project, 1.2, right=390)
    assert parts(project, 1.5) == [(None, "champion 2")]
    assert "is better than the champion" in project.history()[-1].evidence["stages"][-1]


def test_what_a_person_stops_stays_stopped(project: Project) -> None:
    parts(project, 0, 1.01)
    with time_machine.travel(START + timedelta(days=1.1)):
        stop(project.store, "all", by="ada", reason="complaints")
    assert parts(project, 1.2, 3) == [(None, "champion 1")] * 2


def test_what_a_person_tries_is_left_alone(project: Project) -> None:
    publish_tiny(project.store, bias=2.0)
    with time_machine.travel(START):
        project.shadow(3)
    assert parts(project, 0.1, 5) == [("shadow", "champion 1")] * 2
    with time_machine.travel(START + timedelta(days=5)):
        project.stop("all")
    assert parts(project, 5.1, 6.2) == [("shadow", "champion 1"), ("5%", "champion 1")]


@pytest.mark.parametrize("project", [", approval: required"], indirect=True)
def test_with_approval_a_person_is_asked_after_the_last_stage(project: Project) -> None:
    assert parts(project, 0, 1.01, 2.02, 3.03, 4)[-1] == ("50%", "champion 1")
    ended = runs.newest(project.store)
    assert ended
    assert ended.waits == "approval"


@pytest.mark.parametrize(
    ("stages", "said"),
    [("[shadw]", "`shadw` is no stage. Did you mean `shadow`"), ("[100%]", "no stage"), ("[50%, 5%]", "do not grow")],
)
def test_stages_that_make_no_sense_are_refused(tmp_path: Path, stages: str, said: str) -> None:
    text = PROJECT.replace("[shadow, 5%, 50%]", stages).replace(" MORE", "")
    (tmp_path / "millrace.yaml").write_text(text)
    with pytest.raises(ProjectFileError) as error:
        Project.load(tmp_path / "millrace.yaml")
    assert said in str(error.value)
