"""`millrace run`: the whole way from raw data to a release."""

from __future__ import annotations

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def run(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Ingest, train, evaluate, package and, if the gate agrees, release.

    Exit code 1: the gate said no, and the package is kept all the same; or a load is not as expected, and nothing is
    trained.

    $ millrace run

    $ millrace run --project shop/millrace.yaml --json > run.json
    """
    from millrace.cli.render.run import run as render

    with watching(as_json) as watch:
        record = opened(project).run(watch)
    show(record, as_json, render)
    if not record.gate.passed:
        raise typer.Exit(SAID_NO)
