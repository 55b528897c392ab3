"""`millrace explore`: what the rows look like."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def explore(
    open_it: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    since: Annotated[int | None, typer.Option("--since", min=1, help="Say what changed since this version.")] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Draw what the rows look like: distributions by class, what goes together, what changed, what to look at.

    $ millrace explore

    $ millrace explore --open

    $ millrace explore --since 3
    """
    from millrace.cli.render.explored import explored

    with watching(as_json) as watch:
        record = opened(project).explore(watch, since=since)
    show(record, as_json, explored)
    if open_it:
        typer.launch(record.report)
