"""`millrace init`: start a project from a data file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from millrace.cli.options import AsJson
from millrace.cli.output import show
from millrace.errors import UsageError


def init(
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="A data file, a glob, a URL of a file, an API or a database, or own code."),
    ],
    predict: Annotated[str | None, typer.Option("--predict", help="The column to predict.")] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            "--sheet",
            help="The table of a database, or the sheet of a workbook; several become a source each.",
        ),
    ] = None,
    query: Annotated[str | None, typer.Option("--query", help="A select instead of a table.")] = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where the project file is written.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a project file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented project file for a data file, an API or a database: typed columns, proposed checks.

    Several files or tables become a source each, with the references between them and a query that joins them.

    $ millrace init customers.csv --predict churned

    $ millrace init "data/*.csv" --predict price --folder houses

    $ millrace init https://api.example.com/v1/orders --predict returned

    $ millrace init customers.csv orders.csv --predict returned

    $ millrace init shop.xlsx --sheet Customers --sheet Orders --predict returned

    $ millrace init postgresql://bob@db.example.com/shop --table customers --table orders --predict churned
    """
    from millrace.cli.render.initialized import initialized
    from millrace.project import Project  # type: ignore[attr-defined, unused-ignore]

    show(
        Project.init(_meant(data), predict, table=table, query=query, folder=folder, force=force), as_json, initialized
    )


def _meant(data: list[str]) -> str | list[str]:
    """One path or glob, or several sources; a shell has often unfolded a glob into its files before we see it."""
    from millrace.sources.proposing.same_table import same_columns

    if len(data) == 1:
        return data[0]
    first = Path(data[0])
    pattern = first.with_name(f"*{first.suffix}")
    if not same_columns(data):
        return data
    if {Path(path) for path in data} == set(pattern.parent.glob(pattern.name)):
        return str(pattern)
    raise UsageError(
        f"{len(data)} files with the same columns were given, and no glob that means just these.",
        where="millrace init",
        allowed=["one file", "one glob in quotes", "several files with columns of their own"],
        next_step='millrace init "data/part-*.csv" --predict <column>',
    )
