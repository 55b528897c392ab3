"""`millrace serve`: answer over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Version, opened


def serve(
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0 takes any free port.")] = None,
    version: Version = None,
    project: ProjectFile = DEFAULT,
    _as_json: AsJson = False,
) -> None:
    """Answer over HTTP until interrupted: the champion and its successors, or one version.

    There is no record: `--json` concerns errors alone.

    $ millrace serve

    $ millrace serve --port 9000 --version 3
    """
    opened(project).serve(port=port, version=version)
