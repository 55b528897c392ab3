"""`millrace audit`: who ran what, when, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs of the audit log."""
    app = typer.Typer(name="audit", help="Who ran what: an append-only log whose entries are chained by their hashes.")
    app.command("list")(list_actions)
    app.command()(verify)
    return app


def list_actions(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most, the newest.")] = 50,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List what was run, by whom, and how it ended, oldest first.

    $ millrace audit list

    $ millrace audit list --limit 1000 --json
    """
    from millrace.cli.render.audit import actions

    show(opened(project).audit()[-limit:], as_json, actions)


def verify(
    head: Annotated[str, typer.Option("--head", help="A head noted earlier, which the log must still hold.")] = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Check that no entry was changed, removed or inserted, and give the log's head.

    Exit code 1: something was. A chain cannot show that its end was cut off: note the head elsewhere, and give it here.

    $ millrace audit verify

    $ millrace audit verify --head 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """
    from millrace.cli.render.audit import verdict

    record = opened(project).verify_audit(head)
    show(record, as_json, verdict)
    if not record.intact:
        raise typer.Exit(SAID_NO)
