"""A rollback that dies before or after any of its writes leaves the release log as before or after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lives import NEVER, living
from millrace.errors import ReleaseError
from millrace.project import Project
from millrace.store.audit import actions, verify
from tiny_package import publish_tiny

BEFORE, AFTER = [("promote", 1), ("promote", 2)], [("promote", 1), ("promote", 2), ("rollback", 1)]


def begin(folder: Path) -> Project:
    """Version 2 is champion after version 1."""
    folder.mkdir()
    (folder / "millrace.yaml").write_text("sources: {c: {from: c.csv}}\nmodel: {predict: churn}\nproject: churn\n")
    project = Project.load(folder / "millrace.yaml")
    for version in (1, 2):
        publish_tiny(project.store, bias=float(version))
        project.promote(version)
    return project


def said(project: Project) -> list[tuple[str, int]]:
    return [(one.kind, one.version) for one in project.history()]


def test_a_death_anywhere_leaves_the_champion_before_or_after(tmp_path: Path) -> None:
    with living(NEVER) as life:
        begun = life.signs
        whole = begin(tmp_path / "whole")
        promoted = life.signs
        whole.rollback("worse")
    assert said(whole) == AFTER
    signs = life.signs - promoted
    assert (begun, signs) == (0, 6)  # that it begins, the release, that it ended: before and after each
    left = []
    for death in range(1, signs + 1):
        project = begin(tmp_path / str(death))
        with living(death) as life:
            project.rollback("worse")
        assert life.signs >= death
        assert verify(project.store).intact
        left.append(said(project))
        rollbacks = [one.verb for one in actions(project.store) if one.verb == "rollback"]
        assert len(rollbacks) == (death > 1)  # whoever wants to know finds that somebody tried
        if left[-1] == BEFORE:  # it was as if it never was, so the same command does it
            assert project.rollback("worse").version == 1
        else:  # done again it would lead further back, and there is nobody
            with pytest.raises(ReleaseError, match="no champion before"):
                project.rollback("worse")
        assert said(project) == AFTER
    assert left == [BEFORE, BEFORE, BEFORE, AFTER, AFTER, AFTER]
