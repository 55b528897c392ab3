"""What was live at a time, who put it there, and on what evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.cli.edge import run
from millrace.errors import ReleaseError, UsageError
from millrace.project import Project
from millrace.records.release import Release
from millrace.store.releases import append


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "millrace.yaml").write_text("sources: {c: {from: c.csv}}\nmodel: {predict: y}\nproject: shop\n")
    project = Project.load(tmp_path / "millrace.yaml")
    for number, day in enumerate(("2026-04-01", "2026-05-01", "2026-05-20"), 1):
        gate = {"gate": [f"roc_auc 0.8{number}: yes"]}
        one = Release(number, "promote", "shop", number, None, f"{day}T10:00:00+00:00", "ann@desk", "agreed", gate)
        append(project.store, lambda _, one=one: one)
    return project


@pytest.mark.parametrize(
    ("at", "version"),
    [
        ("2026-05-03 14:00", 2),
        ("2026-05-01T10:00:00Z", 2),
        ("2026-05-01T11:59:59+02:00", 1),
        ("2026-05-20", 2),
        ("2030-01-01", 3),
    ],
)
def test_the_release_before_a_time_was_live_then(project: Project, at: str, version: int) -> None:
    assert project.live(at).version == version


def test_before_the_first_release_nothing_was_live(project: Project) -> None:
    with pytest.raises(ReleaseError, match="Nothing was released by 2026-03-31"):
        project.live("2026-03-31")


def test_what_is_no_time_is_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="`3 May` is no time"):
        project.live("3 May")


def test_it_is_said_with_who_and_on_what_evidence(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["release", "history", "--at", "2026-05-03 14:00", "--project", str(project.path)]) == 0
    said = capsys.readouterr().out
    assert "shop 2 was live, since 2026-05-01T10:00:00+00:00." in said
    assert "promoted by ann@desk: agreed" in said
    assert "gate: roc_auc 0.82: yes" in said
