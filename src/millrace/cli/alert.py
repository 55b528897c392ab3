"""`millrace alert`: whether alarms reach people."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Reason, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs about alerts."""
    app = typer.Typer(name="alert", help="Who is told when something must be done.")
    app.callback()(_alert)
    app.command("list")(list_told)
    app.command()(silence)
    app.command("test")(try_out)
    return app


def _alert() -> None:
    """Who is told when something must be done."""


def list_told(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """List what people were told and who has it, and about what they asked for silence.

    $ millrace alert list

    $ millrace alert list --json
    """
    from millrace.cli.render.delivery import telling

    show(opened(project).alerts(), as_json, telling)


def silence(
    decision: Annotated[str, typer.Argument(help="fix, retrain, roll back, approve; or all.")],
    lasting: Annotated[str, typer.Option("--for", help="How long, such as 2 days; 0 s ends a silence.")] = "1 day",
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Tell nobody of a decision for a while, because somebody has taken it on.

    $ millrace alert silence retrain --for "2 days" --reason "new rates come on Monday"

    $ millrace alert silence "roll back" --for "0 s"
    """
    from millrace.cli.render.delivery import silenced
    from millrace.config.units import seconds

    show(opened(project).silence(decision, float(str(seconds(lasting))), reason), as_json, silenced)


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
