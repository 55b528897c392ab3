"""`millrace ingest`: bring what is new into the tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show, to_json
from millrace.cli.progress import watching

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
        _follow(opened(project), source, every, as_json)
        return
    with watching(as_json) as steps:
        record = opened(project).ingest(source, steps)
    show(record, as_json, ingested)
    if not all(told.holds for one in record for told in one.expectations):
        raise typer.Exit(SAID_NO)


def _follow(project: Project, source: str | None, every: str, as_json: bool) -> None:
    """Show what each look brought as it comes; as JSON, one record on a line."""
    from millrace.cli.render.ingested import ingested
    from millrace.config.units import seconds

    def told(record: Ingested) -> None:
        if as_json:
            typer.echo(to_json(record, indent=None))
        else:
            show((record,), as_json, ingested)
        sys.stdout.flush()

    with watching(as_json) as steps:
        project.follow(source, every=float(str(seconds(every))), told=told, watch=steps)
