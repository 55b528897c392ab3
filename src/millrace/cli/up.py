"""`millrace up`: the wheel turns by itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show, to_json
from millrace.cli.progress import watching
from millrace.records.turning import JobState


def up(
    status: Annotated[bool, typer.Option("--status", help="Say how it stands instead, and end.")] = False,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Serve there; 0: any free port.")] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Keep everything turning until interrupted: file arrivals, schedules, monitoring, retraining, serving.

    What has news is said on a line; with `--json` as one record on a line. It may be killed at any moment and started
    again; a second one beside it is refused.

    Exit code 1 with `--status`: it does not run, or something in it fails.

    $ millrace up

    $ millrace up --port 9000

    $ millrace up --status --json
    """
    from millrace.cli.render.turning import said, turning

    if status:
        record = opened(project).status()
        show(record, as_json, turning)
        if not record.running or any(job.failures for job in record.jobs):
            raise typer.Exit(SAID_NO)
        return

    def told(state: JobState) -> None:
        typer.echo(to_json(state, indent=None) if as_json else said(state))
        sys.stdout.flush()

    with watching(as_json) as watch:
        opened(project).up(port=port, told=told, watch=watch)
