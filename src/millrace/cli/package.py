"""`millrace package`: look into a package, and check it."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show

Number = Annotated[int | None, typer.Argument(metavar="VERSION", min=1, help="Default: the champion.")]
Folder = Annotated[
    str | None, typer.Option("--path", metavar="PATH", help="A package's folder or URL, of any project or of none.")
]


def group() -> typer.Typer:
    """Give the verbs about packages."""
    app = typer.Typer(name="package", help="The portable model: look into it, check it.")
    app.command()(inspect)
    app.command()(verify)
    return app


def inspect(
    version: Number = None, path: Folder = None, project: ProjectFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Show what a package takes and gives, how good it is and where it came from.

    $ millrace package inspect 3

    $ millrace package inspect --path store/packages/churn/3 --json
    """
    from millrace.cli.render.manifest import manifest

    if path is None:
        show(opened(project).inspect(version), as_json, manifest)
        return
    from millrace.package import api

    show(api.inspect(path), as_json, manifest)


def verify(
    version: Number = None, path: Folder = None, project: ProjectFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Check every file of a package against its manifest. Exit code 1: it was tampered with.

    $ millrace package verify 3

    $ millrace package verify --path store/packages/churn/3
    """
    from millrace.cli.render.manifest import verified

    if path is None:
        show(opened(project).verify(version), as_json, verified)
        return
    from millrace.package import api

    show(api.verify(path), as_json, verified)
