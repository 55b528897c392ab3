"""docs/lineage.md is executed: its commands in their order, and its Python."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from millrace.project import Project

pytestmark = pytest.mark.journey

PAGE = (Path(__file__).parents[2] / "docs" / "lineage.md").read_text()
PROJECT = """
project: churn
sources:
  customers: {from: data/customers-*.csv, checks: {old: tenure >= 0}}
  tickets: {from: data/tickets-*.csv}
dataset:
  sql: select c.*, count(t.of) as tickets from customers c left join tickets t on t.of = c.id group by all
model: {predict: churn, drop: [id], budget: 1 s}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def learned(tmp_path, type_in):
    rows = [(i, i % 70 - 1, "yes" if i % 3 else "no") for i in range(300)]
    (tmp_path / "data").mkdir()
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    customers = "\n".join(["id,tenure,churn", *(f"{i},{tenure},{churn}" for i, tenure, churn in rows)])
    (tmp_path / "data" / "customers-1.csv").write_text(customers)
    (tmp_path / "data" / "tickets-1.csv").write_text("of,hours\n" + "\n".join(f"{i},1.5" for i in range(0, 300, 3)))
    type_in("run")
    return tmp_path


def test_the_page_does_what_it_says(learned, type_in, told):
    for command in (line for block in blocks("console") for line in block.splitlines()):
        said = type_in(*shlex.split(command)[1:])
        assert said.stdout.strip()
        assert said.stderr == ""
    assert (learned / "lineage.html").read_text().startswith("<!doctype html>")
    assert (learned / "lineage.svg").read_text().startswith("<svg ")
    assert told("lineage")["files"] == ["data/customers-1.csv", "data/tickets-1.csv"]
    assert told("lineage", "customers-1.csv")["packages"] == ["churn 1"]
    (python,) = blocks("python")
    scope = {"Project": type("Here", (), {"load": staticmethod(lambda name: Project.load(learned / name))})}
    exec(python, scope)
    assert scope["found"].files == ("data/customers-1.csv", "data/tickets-1.csv")


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_a_package_says_at_which_commit_its_project_stood(learned, type_in, told):
    first = json.loads((learned / "store/packages/churn/1/manifest.json").read_bytes())
    assert "commit" not in first["lineage"]
    own = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(learned)]
    for verb in (["init", "-q"], ["add", "millrace.yaml"], ["commit", "-q", "-m", "a project"]):
        subprocess.run([*own, *verb], check=True)
    type_in("run")
    second = json.loads((learned / "store/packages/churn/2/manifest.json").read_bytes())
    head = subprocess.run([*own, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert second["lineage"]["commit"] == head.stdout.strip()
    (changed,) = (one for one in told("package", "diff", "1", "2")["changes"] if one["name"] == "commit")
    assert (changed["old"], changed["new"]) == (None, head.stdout.strip())


def test_a_recorded_run_gives_its_rows_again(learned, type_in, told):
    """What it learned from is named by run and package, and read again after the data has moved on."""
    project = Project.load(learned / "millrace.yaml")
    before = told("train")
    kept = project.dataset(before["run"])
    assert before["dataset"]["key"] == "datasets/churn"
    assert before["dataset"]["version"] == 1
    (learned / "data" / "customers-2.csv").write_text("id,tenure,churn\n900,5,yes\n901,6,no\n")
    after = told("train")
    assert after["dataset"]["version"] == 2
    assert project.dataset(after["run"]).height == kept.height + 2
    assert project.dataset(before["run"]).equals(kept)
    assert told("package", "inspect", "2")["lineage"]["dataset"]["version"] == 1
    assert "version 1 of <code>datasets/churn</code>" in Path(before["report"]).read_text()
