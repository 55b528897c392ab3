"""A user in an empty folder: commands typed, answers read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from millrace.cli.demo.patients import messy, patients

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def type_in(tmp_path: Path) -> Typed:
    """Type a `millrace` command in the empty folder; with `expect`, the exit code it must have; with MB of memory."""

    def type_in(*words: str, expect: int = 0, memory: int | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "millrace", *words]
        if memory:
            command = ["sh", "-c", f'ulimit -v {memory * 1024}; exec "$@"', "sh", *command]
        environment = os.environ | {"COLUMNS": "160"}
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=280, check=False
        )
        assert done.returncode == expect, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return type_in


@pytest.fixture
def told(type_in: Typed) -> Callable[..., Any]:
    """The same with `--json`, and what it answered."""

    def told(*words: str, expect: int = 0) -> Any:
        return json.loads(type_in(*words, "--json", expect=expect).stdout)

    return told


@pytest.fixture
def shared_data() -> Path:
    """Real data sets, where they are at hand."""
    folder = Path(os.environ.get("MILLRACE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
    if not folder.exists():
        pytest.skip("the shared data sets are not here; MILLRACE_SHARED says where")
    return folder


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """The demo's messy records, in a folder of their own."""
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "records-1.csv"
    path.write_text(messy(patients().known))
    return path
