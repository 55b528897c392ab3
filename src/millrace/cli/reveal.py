"""`millrace reveal`: encrypted values in plain, for who has the key."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def reveal(
    source: Annotated[str, typer.Argument(help="The source whose rows are written.")],
    to: Annotated[str, typer.Option("--to", help="A file that ends in .csv, .parquet or .ndjson.")],
    refused: Annotated[bool, typer.Option("--refused", help="The quarantine's rows instead of the table's.")] = False,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write a source's rows with its encrypted columns in plain; needs MILLRACE_PII_KEY, and is recorded.

    $ millrace reveal customers --to customers.parquet

    $ millrace reveal customers --refused --to refused.csv --json
    """
    from millrace.cli.render.quarantine import revealed

    show(opened(project).reveal(source, to, refused=refused), as_json, revealed)
