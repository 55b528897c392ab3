"""`millrace predict`: answer every row of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Version, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def predict(
    source: Annotated[str, typer.Argument(metavar="FILE", help="Rows without answers: a file or a glob.")],
    to: Annotated[str, typer.Option("--to", help="Where the answers go: .csv, .parquet or .ndjson.")],
    conformal: Annotated[bool, typer.Option("--conformal", help="Also write sets or intervals, and costs.")] = False,
    version: Version = None,
    trust: Annotated[
        str | None, typer.Option("--trust", metavar="FILE", help="A public key: no package that it did not sign.")
    ] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Answer every row of a file, into a file.

    $ millrace predict new.csv --to answers.csv

    $ millrace predict "today/*.parquet" --to answers.parquet --version 3

    $ millrace predict new.csv --to answers.csv --conformal

    $ millrace predict new.csv --to answers.csv --trust key.pub
    """
    from millrace.cli.render.predicted import predicted

    with watching(as_json) as watch:
        record = opened(project).predict(source, to, version=version, conformal=conformal, trust=trust, watch=watch)
    show(record, as_json, predicted)
