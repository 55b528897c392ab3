"""`millrace check`: whether the project is right."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show, to_json


def check(
    project: ProjectFile = DEFAULT,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of project files, for editors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the project file and its sources; nothing is run or written.

    Exit code 3: the file is wrong. 1: a source lacks something.

    $ millrace check

    $ millrace check --schema > millrace.schema.json
    """
    if schema:
        from millrace.config.json_schema import json_schema

        typer.echo(to_json(json_schema()))
        return
    from millrace.cli.render.checked import checked

    result = opened(project).check()
    show(result, as_json, checked)
    if result.problems:
        raise typer.Exit(SAID_NO)
