"""All verbs, in the order of the data's way."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace import __version__
from millrace.cli import (
    alert,
    audit,
    check,
    demo,
    erase,
    explore,
    ingest,
    init,
    key,
    lineage,
    monitor,
    package,
    predict,
    quarantine,
    release,
    report,
    retrain,
    reveal,
    serve,
    train,
    up,
)
from millrace.cli import run as run_verb


def build() -> typer.Typer:
    """Give the command line with every verb in its place."""
    app = typer.Typer(
        name="millrace",
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_millrace)
    for verb in (
        init.init,
        check.check,
        explore.explore,
        run_verb.run,
        ingest.ingest,
        train.train,
        erase.erase,
        reveal.reveal,
        report.report,
        lineage.lineage,
        predict.predict,
        serve.serve,
        monitor.monitor,
        retrain.retrain,
        up.up,
        demo.demo,
    ):
        app.command()(verb)
    for group in (quarantine, package, release, key, alert, audit):
        app.add_typer(group.group())
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"millrace {__version__}")
        raise typer.Exit


def _millrace(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """From raw data to a model that stays right in production: one file, one command, any cloud."""
