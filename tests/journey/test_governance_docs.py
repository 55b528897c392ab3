"""Every project file and every command on the page about governance means what it should."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from millrace.cli.app import build
from millrace.config.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    *re.findall(r"^    \$ millrace (.+)$", PAGE, re.MULTILINE),
    *(" ".join(one.split()).removeprefix("millrace ") for one in re.findall(r"`(millrace [^`]+)`", PAGE)),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[1])
def test_a_project_file_on_the_page_loads(block: str, tmp_path: Path) -> None:
    rest = "model: {predict: stayed}\n"
    if block.count("\n    from:") > 1:
        rest += "dataset: {sql: select * from customers}\n"
    (tmp_path / "millrace.yaml").write_text(block + rest)
    assert load(tmp_path / "millrace.yaml").sources


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_the_page_is_understood(command: str) -> None:
    words, verb = shlex.split(command), typer.main.get_command(build())
    while hasattr(verb, "commands"):
        verb = verb.commands[words.pop(0)]
    verb.make_context("millrace", words)


def test_the_page_has_both() -> None:
    assert len(BLOCKS) >= 2
    assert len(COMMANDS) >= 6
