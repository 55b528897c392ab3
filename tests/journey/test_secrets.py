"""A secret of the environment goes through every verb, and shows in none of what they say or write."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace.cli.edge import run
from millrace.project import Project

SECRET = "s3nt1nel-0f-th3-m1ll"
GOOD = """\
sources:
  people: {{from: people.csv, key: id, checks: {{young: age < 88}}}}
model: {{predict: stayed, budget: 3 s, drop: [id]}}
monitor:
  alert:
    - webhook: "http://127.0.0.1:{port}/hook?token=${{SENTINEL}}"
    - slack: "http://127.0.0.1:{port}/${{SENTINEL}}"
    - email: {{host: 127.0.0.1, port: {port}, user: me, password: "${{SENTINEL}}", from: a@x.org, to: b@x.org}}
"""
BAD = """\
sources:
  one: {{from: "postgresql://me:${{SENTINEL}}@127.0.0.1:{port}/db", table: t}}
  two: {{from: "http://me:${{SENTINEL}}@127.0.0.1:{port}/items?token=${{SENTINEL}}"}}
  three: {{from: "${{SENTINEL}}/missing-*.csv"}}
dataset: {{sql: "select '${{SENTINEL}}' from nowhere"}}
model: {{predict: "${{SENTINEL}}x"}}
"""
#: Run once, since they take long.
LONG = {"run", "explore"}
VERBS = [
    ("check",),
    ("run",),
    ("explore",),
    ("ingest",),
    ("quarantine", "list"),
    ("quarantine", "show"),
    ("quarantine", "replay", "people"),
    ("monitor",),
    ("alert", "test"),
    ("alert", "silence", "retrain", "--reason", f"token {SECRET}"),
    ("alert", "list"),
    ("retrain",),
    ("release", "promote", "1", "--reason", f"token {SECRET}"),
    ("release", "history"),
    ("package", "inspect"),
    ("package", "verify"),
    ("report",),
    ("erase", "people", "--key", "7"),
    ("predict", "people.csv", "--to", "answers.csv"),
    ("audit", "list"),
    ("audit", "verify"),
]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command line for people and with `--json`; give all that was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTINEL", SECRET)
    monkeypatch.setenv("MILLRACE_PII_KEY", SECRET * 2)
    monkeypatch.setenv("COLUMNS", "400")

    def say(*argv: str) -> str:
        for words in ((*argv, "--json"),) if argv[0] in LONG else (argv, (*argv, "--json")):
            run(words)
        captured = capsys.readouterr()
        return captured.out + captured.err

    return say


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.journey
def test_no_verb_shows_or_writes_a_secret(said: Callable[..., str], tmp_path: Path, port: int) -> None:
    rows = [f"{n},{20 + n % 70},{'yes' if n % 70 > 35 else 'no'}" for n in range(200)]
    (tmp_path / "people.csv").write_text("\n".join(["id,age,stayed", *rows]) + "\n")
    (tmp_path / "millrace.yaml").write_text(GOOD.format(port=port))
    for verb in VERBS:
        assert SECRET not in said(*verb), verb
    written = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert json.loads((tmp_path / "store/audit/0000000001.json").read_text())["verb"] == "run"
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    project = Project.load("millrace.yaml")
    assert SECRET not in repr(project) + repr(project.hide) + repr(project.store)


@pytest.mark.parametrize("source", ["one", "two", "three"])
def test_no_error_of_a_source_shows_a_secret(source: str, said: Callable[..., str], tmp_path: Path, port: int) -> None:
    (tmp_path / "millrace.yaml").write_text(BAD.format(port=port))
    for verb in (("ingest", source), ("check",)):
        words = said(*verb)
        assert SECRET not in words
    assert "error" in words
