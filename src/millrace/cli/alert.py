"""`millrace alert`: whether alarms reach people."""

from __future__ import annotations

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs about alerts."""
    app = typer.Typer(name="alert", help="Who is told when something must be done.")
    app.callback()(_alert)
    app.command("test")(try_out)
    return app


def _alert() -> None:
    """Who is told when something must be done."""


def try_out(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Send a test message to everybody in `monitor.alert`.

    Exit code 1: somebody was not reached.

    $ millrace alert test

    $ millrace alert test --json
    """
    from millrace.cli.render.delivery import deliveries

    record = opened(project).test_alerts()
    show(record, as_json, deliveries)
    if any(delivery.state != "sent" for delivery in record):
        raise typer.Exit(SAID_NO)
