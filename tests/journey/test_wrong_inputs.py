"""What a user gets wrong, and what they are told: where, what was seen, what is allowed, what to do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.journey

PROJECT = """\
version: 1
project: trees
sources:
  trees: {from: trees.csv}
model:
  predict: kind
  budget: 2 s
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows = [f"{i % 17},{i * 7 % 23},{'oak' if i % 17 > 8 else 'elm'}" for i in range(200)]
    (tmp_path / "trees.csv").write_text("\n".join(["height,age,kind", *rows]) + "\n")
    path = tmp_path / "millrace.yaml"
    path.write_text(PROJECT)
    return path


def test_a_typo_in_the_project_file(project: Path, type_in: Callable[..., Any]) -> None:
    project.write_text(PROJECT.replace("model:", "modle:"))
    said = type_in("run", expect=3).stderr
    assert "millrace.yaml:5:1" in said
    assert "Did you mean `model`?" in said


def test_no_project_file(type_in: Callable[..., Any]) -> None:
    said = type_in("run", expect=3).stderr
    assert "millrace init" in said


def test_a_missing_file(project: Path, type_in: Callable[..., Any]) -> None:
    project.write_text(PROJECT.replace("trees.csv", "tree.csv"))
    said = type_in("run", expect=1).stderr
    assert "tree.csv" in said
    assert "Did you mean `trees.csv`?" in said


def test_a_target_that_is_not_there(project: Path, type_in: Callable[..., Any]) -> None:
    project.write_text(PROJECT.replace("predict: kind", "predict: kinds"))
    said = type_in("run", expect=1).stderr
    assert "`kinds`" in said
    assert "Did you mean `kind`?" in said


def test_a_constant_target(project: Path, type_in: Callable[..., Any]) -> None:
    table = project.with_name("trees.csv")
    table.write_text(table.read_text().replace("oak", "elm"))
    said = type_in("run", expect=1).stderr
    assert "elm" in said
    assert "train" in said
    assert not (project.parent / "store" / "packages").exists(), "nothing half-done is left"


def test_a_tampered_package(project: Path, type_in: Callable[..., Any]) -> None:
    type_in("run")
    graph = next((project.parent / "store" / "packages").rglob("model.onnx"))
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    for verb in (("package", "verify"), ("predict", "trees.csv", "--to", "answers.csv"), ("serve", "--port", "0")):
        said = type_in(*verb, expect=1).stderr
        assert "package.tampered" in said
        assert "model.onnx" in said
    assert not (project.parent / "answers.csv").exists()


def test_errors_are_json_for_programs(project: Path, type_in: Callable[..., Any]) -> None:
    project.write_text(PROJECT.replace("model:", "modle:"))
    error = json.loads(type_in("run", "--json", expect=3).stdout)["error"]
    assert (error["code"], error["nearest"]) == ("config.unknown-key", "model")
