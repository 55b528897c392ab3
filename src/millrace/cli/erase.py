"""`millrace erase`: take a person out of everything."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.errors import UsageError


def erase(
    source: Annotated[str, typer.Argument(help="The source that the person's rows came from.")],
    key: Annotated[
        list[str] | None, typer.Option("--key", help="The value of the source's `key`; once for each of its columns.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="COLUMN=VALUE, in plain; all that are given must fit.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Delete old versions at once; whoever reads one of them meanwhile fails.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Remove a person's rows from table, quarantine, predictions, feedback and datasets, and never ingest them again.

    $ millrace erase customers --key 4711 --dry-run

    $ millrace erase customers --where email=ada@example.org --now --json
    """
    from millrace.cli.render.erased import erased

    named = {}
    for one in where or ():
        column, equals, value = one.partition("=")
        if not equals:
            # What was typed may be personal, so it is not repeated.
            raise UsageError("`--where` names a column and a value.", where="erase", allowed=["--where COLUMN=VALUE"])
        named[column] = value
    show(opened(project).erase(source, key or (), named, now=now, dry_run=dry_run), as_json, erased)
