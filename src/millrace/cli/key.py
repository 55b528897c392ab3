"""`millrace key`: who may ask the server for what."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs of access keys."""
    app = typer.Typer(name="key", help="Access keys: who may ask the server for what (`serve: {keys: required}`).")
    app.command()(create)
    app.command("list")(list_keys)
    app.command()(revoke)
    return app


def create(
    name: Annotated[str, typer.Argument(help="Who holds it, such as the name of a service.")],
    verbs: Annotated[
        list[str] | None,
        typer.Option("--for", help="predict, feedback, metrics or admin (all of them); repeat it for several."),
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="A package it is good for; default: all. Repeat it for several.")
    ] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key and show its secret, this one time; a running server takes it within a second.

    $ millrace key create web-shop

    $ millrace key create prometheus --for metrics

    $ millrace key create web-shop --model churn

    $ millrace key create web-shop --for predict --for feedback --json
    """
    from millrace.cli.render.key import created

    made = opened(project).keys.create(name, ",".join(verbs or ["predict"]), ",".join(models or []))
    show(made, as_json, created)


def list_keys(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """List every key, oldest first, with what it is good for; never its secret.

    $ millrace key list

    $ millrace key list --json
    """
    from millrace.cli.render.key import listed

    show(opened(project).keys.listed(), as_json, listed)


def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `millrace key list` shows it.")],
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """End a key for good; a running server refuses it within a second.

    $ millrace key revoke 4be2a1f09c3d

    $ millrace key revoke 4be2a1f09c3d --json
    """
    from millrace.cli.render.key import revoked

    show(opened(project).keys.revoke(identity), as_json, revoked)
