"""`millrace lineage`: what came from what."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def lineage(
    what: Annotated[
        str | None,
        typer.Argument(help="A source, run, package, release or file; default: the champion.", show_default=False),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Draw the graph into a file that ends in .html or .svg.")
    ] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say which files went into which tables, datasets, runs, packages, releases and predictions.

    $ millrace lineage

    $ millrace lineage data/march.csv

    $ millrace lineage churn/3 --to lineage.html
    """
    from millrace.cli.render.lineage import lineage as drawn

    show(opened(project).lineage(what, to=to), as_json, drawn)
