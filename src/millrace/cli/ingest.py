"""`millrace ingest`: bring what is new into the tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show, to_json
from millrace.cli.progress import watching
from millrace.errors import ProjectFileError, UsageError

if TYPE_CHECKING:
    from millrace.project import Project
    from millrace.records.ingestion import Ingested


def ingest(
    source: Annotated[str | None, typer.Argument(help="One source; default: all of them.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with what comes, until interrupted.")] = False,
    every: Annotated[str, typer.Option("--every", help="With --watch: how often to look, such as 30 s.")] = "5 s",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Read what is new, clean and check it; refused rows go to quarantine.

    Exit code 1: a load is not as `expect` says; its rows are in the table all the same.

    $ millrace ingest

    $ millrace ingest customers --json

    $ millrace ingest --watch --every "30 s"
    """
    from millrace.cli.render.ingested import ingested

    if watch:
        _follow(opened(project), source, _pause(every), as_json)
        return
    with watching(as_json) as steps:
        record = opened(project).ingest(source, steps)
    show(record, as_json, ingested)
    if not all(told.holds for one in record for told in one.expectations):
        raise typer.Exit(SAID_NO)


def _pause(every: str) -> float:
    """How many seconds `every` says. Raises `UsageError`."""
    from millrace.config.units import seconds

    try:
        pause = float(str(seconds(every)))
    except ProjectFileError as error:
        raise UsageError(f"`{every}` is no duration.", where="--every", allowed=["5 s", "1 min", "2 hours"]) from error
    if pause <= 0:
        raise UsageError(f"`{every}` is no pause.", where="--every", allowed=["5 s", "1 min", "2 hours"])
    return pause


def _follow(project: Project, source: str | None, every: float, as_json: bool) -> None:
    """Show what each look brought as it comes; as JSON, one record on a line."""
    from millrace.cli.render.ingested import ingested

    def told(record: Ingested) -> None:
        if as_json:
            typer.echo(to_json(record, indent=None))
        else:
            show((record,), as_json, ingested)
        sys.stdout.flush()

    with watching(as_json) as steps:
        project.follow(source, every=every, told=told, watch=steps)
