"""`millrace release`: who is champion, and how that changes."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Reason, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs about releases."""
    app = typer.Typer(name="release", help="Who is champion: recorded, reversible changes.")
    app.command()(promote)
    app.command()(rollback)
    app.command()(history)
    return app


def promote(
    version: Annotated[int, typer.Argument(min=1, help="The package's version.")],
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a package champion by hand.

    $ millrace release promote 3 --reason "agreed with the fraud team"

    $ millrace release promote 3 --json
    """
    from millrace.cli.render.release import release

    show(opened(project).promote(version, reason), as_json, release)


def rollback(reason: Reason = "", project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Give traffic back to the champion before.

    $ millrace release rollback

    $ millrace release rollback --reason "complaints since noon"
    """
    from millrace.cli.render.release import release

    show(opened(project).rollback(reason), as_json, release)


def history(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """List every change of champion, oldest first.

    $ millrace release history

    $ millrace release history --json
    """
    from millrace.cli.render.release import history as render

    show(opened(project).history(), as_json, render)
