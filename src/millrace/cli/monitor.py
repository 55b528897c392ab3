"""`millrace monitor`: whether what is served is still right."""

from __future__ import annotations

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def monitor(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Look at what was served, and decide: keep, retrain or roll back. Nothing is started.

    Exit code 1: the decision is not to keep.

    $ millrace monitor

    $ millrace monitor --json
    """
    from millrace.cli.render.decision import decision

    record = opened(project).monitor()
    show(record, as_json, decision)
    if record.decision != "keep":
        raise typer.Exit(SAID_NO)
