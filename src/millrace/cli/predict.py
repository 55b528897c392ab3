"""`millrace predict`: answer every row of a file or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Version, opened
from millrace.cli.output import show
from millrace.cli.progress import watching
from millrace.errors import UsageError

if TYPE_CHECKING:
    from millrace.store.answers import Existing


def predict(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    source: Annotated[
        str,
        typer.Argument(
            metavar="ROWS",
            help="Rows without answers: a file, a glob, a source's name for its table, a key such as datasets/churn, "
            "or the folder or URL of a Delta table.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Where the answers go: .csv, .parquet or .ndjson, or the folder or URL of a Delta table."
        ),
    ],
    append: Annotated[bool, typer.Option("--append", help="Add to the answers that the table has.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of those that it has.")] = False,
    conformal: Annotated[bool, typer.Option("--conformal", help="Also write sets or intervals, and costs.")] = False,
    version: Version = None,
    trust: Annotated[
        str | None, typer.Option("--trust", metavar="FILE", help="A public key: no package that it did not sign.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="local, ray or ray://host:10001; default: as the project file says.")
    ] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Answer every row of a file or a table, into a file or a table.

    A table gets all answers in one commit, and once, however often the same command is started again.

    $ millrace predict new.csv --to answers.csv

    $ millrace predict "today/*.parquet" --to answers.parquet --version 3

    $ millrace predict customers --to s3://lake/scores --replace --engine ray

    $ millrace predict new.csv --to answers.csv --conformal

    $ millrace predict new.csv --to answers.csv --trust key.pub
    """
    from millrace.cli.render.predicted import predicted

    if append and replace:
        raise UsageError("`--append` and `--replace` exclude each other.", where="predict")
    existing: Existing = "append" if append else "replace" if replace else "refuse"
    with watching(as_json) as watch:
        record = opened(project).predict(
            source,
            to,
            version=version,
            conformal=conformal,
            trust=trust,
            existing=existing,
            engine=engine,
            watch=watch,
        )
    show(record, as_json, predicted)
