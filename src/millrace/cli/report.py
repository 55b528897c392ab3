"""`millrace report`: where the report of a package is."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Version, opened
from millrace.cli.output import show


def report(
    version: Version = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say where the report of a package is, or open it.

    $ millrace report --open

    $ millrace report --version 3
    """
    from millrace.cli.render.layout import line

    path = opened(project).report(version)
    show({"report": path}, as_json, lambda found: line(found["report"]))
    if open_:
        typer.launch(path)
