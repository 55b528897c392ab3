"""The README is executed: every command, the Python, the project file."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from millrace.cli.demo.patients import patients, questions

pytestmark = pytest.mark.journey

README = (Path(__file__).parents[2] / "README.md").read_text()
MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.split("  #")[0].strip() for line in block.splitlines() if line.strip()]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def serving(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    server = subprocess.Popen(command.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "Answering on" in server.stdout.readline()
        yield
    finally:
        server.terminate()
        server.communicate(timeout=20)


@pytest.fixture
def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "COLUMNS": "120"}


def test_the_two_commands_are_targets_of_make() -> None:
    for command in commands(blocks("")[0]):
        assert re.search(rf"(?m)^{command.removeprefix('make ')}:", MAKEFILE), command


def test_every_command_works_as_written(records: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    port = str(free_port())
    first, second = ([line.replace("8080", port) for line in commands(block)] for block in blocks("bash"))
    for command in first[:-1]:
        run(command, tmp_path, environment)
        hasten(tmp_path / "millrace.yaml")
    (tmp_path / "request.json").write_text(json.dumps({"rows": questions(patients().usual[:60])}))
    with serving(first[-1], tmp_path, environment):
        for command in second:
            if "feedback" in command:
                (tmp_path / "feedback.json").write_text(json.dumps(outcomes(tmp_path, port)))
            run(command, tmp_path, environment)
    assert pl.read_csv(tmp_path / "answers.csv").height > 300


def hasten(project_file: Path) -> None:
    """Let a training take seconds, whatever minutes are proposed."""
    project_file.write_text(project_file.read_text().replace("budget: 1 min", "budget: 3 s"))


def run(command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def outcomes(folder: Path, port: str) -> list[dict[str, object]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", (folder / "request.json").read_bytes())
    with urllib.request.urlopen(request, timeout=10) as answer:
        predictions = json.loads(answer.read())["predictions"]
    return [{"id": one["id"], "outcome": one["label"]} for one in predictions]


def test_the_python_works_as_written(records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from millrace.project import Project

    Project.init(str(records), "diagnosis")
    hasten(tmp_path / "millrace.yaml")
    frame = pl.DataFrame(questions(patients().usual[:5]))
    names: dict[str, object] = {"frame": frame}
    exec(blocks("python")[0], names)
    assert names["answers"].height == 5


def test_the_project_file_is_one(tmp_path: Path) -> None:
    from millrace.config.load import load

    path = tmp_path / "millrace.yaml"
    path.write_text(blocks("yaml")[0])
    assert load(path).model.predict == "Churn"
