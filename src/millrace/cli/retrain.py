"""`millrace retrain`: act on what monitoring decides."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def retrain(
    force: Annotated[bool, typer.Option("--force", help="Train whatever monitoring says.")] = False,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Train again, or roll back, if monitoring decides so; a new champion must pass the gate.

    Exit code 1: the gate said no.

    $ millrace retrain

    $ millrace retrain --force --json
    """
    from millrace.cli.render.retrained import retrained

    with watching(as_json) as watch:
        record = opened(project).retrain(force=force, watch=watch)
    show(record, as_json, retrained)
    if record.run is not None and not record.run.gate.passed:
        raise typer.Exit(SAID_NO)
