"""Progress: bars on a terminal, lines without one, silence when a program reads along."""

import io
import sys

import pytest

from millrace.cli.progress import watching
from millrace.records.progress import Step

STEPS = (
    Step("ingest", "a[1].csv", 5, 10),
    Step("train", "fold 1", 1, 4),
    Step("train", "fold 2", 2, 4),
    Step("report"),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def steps_shown(monkeypatch):
    """Send a few steps to a watch whose standard error is `stream`; give what was written."""

    def show(stream: io.StringIO, as_json: bool) -> str:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr(sys, "stderr", stream)
        with watching(as_json) as watch:
            for step in STEPS:
                watch(step)
        return stream.getvalue()

    return show


def test_a_terminal_gets_a_bar_for_each_stage(steps_shown):
    shown = steps_shown(Terminal(), as_json=True)
    for word in ("ingest", "train", "report", "100%"):
        assert word in shown


def test_without_a_terminal_each_stage_is_one_line(steps_shown):
    assert steps_shown(io.StringIO(), as_json=False) == "ingest 50%: a[1].csv\ntrain 25%: fold 1\nreport\n"


def test_a_program_that_reads_along_is_not_disturbed(steps_shown):
    assert steps_shown(io.StringIO(), as_json=True) == ""
