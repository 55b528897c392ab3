"""`millrace serve`: answer over HTTP."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Version, opened
from millrace.records.progress import Step


def serve(
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0 takes any free port.")] = None,
    version: Version = None,
    trust: Annotated[
        str | None, typer.Option("--trust", metavar="FILE", help="A public key: serve nothing that it did not sign.")
    ] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Answer over HTTP until interrupted: the champion and its successors, or one version.

    Says its address once it truly answers; with `--json` as `{"url": …}` on a line.

    $ millrace serve

    $ millrace serve --port 9000 --version 3

    $ millrace serve --trust key.pub
    """

    def announce(step: Step) -> None:
        over = "grpc" if step.stage == "grpc" else "url"
        named = "over gRPC on" if step.stage == "grpc" else "on"
        typer.echo(json.dumps({over: step.text}) if as_json else f"Answering {named} {step.text}   (Ctrl-C ends it)")
        sys.stdout.flush()

    opened(project).serve(port=port, version=version, trust=trust, watch=announce)
