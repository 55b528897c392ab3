"""`millrace demo` turns the whole wheel, for real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_the_demo_tells_the_whole_story(tmp_path: Path, type_in: Callable[..., Any]) -> None:
    said = type_in("demo", "--into", "wheel").stdout

    assert "unreadable" in said
    assert "area_is_positive" in said
    assert "mean_texture" in said
    assert "Version 1 answers again." in said
    assert "version 2 now, without a restart" in said
    from millrace.project import Project

    project = Project.load(tmp_path / "wheel" / "millrace.yaml")
    assert [(release.kind, release.version) for release in project.history()] == [
        ("promote", 1),
        ("promote", 2),
        ("rollback", 1),
    ]
    counts = project.store.keys("reports")
    assert counts == ("reports/biopsies-1.html", "reports/biopsies-2.html")
    (patient,) = json.loads((tmp_path / "wheel" / "request.json").read_text())["rows"]
    assert "mean_texture" in patient
    assert json.loads((tmp_path / "wheel" / "feedback.json").read_text())[0].keys() == {"id", "outcome"}
