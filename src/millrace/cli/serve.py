"""`millrace serve`: answer over HTTP."""

from __future__ import annotations

import json
import os
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
    package: Annotated[
        str | None, typer.Option("--package", metavar="FOLDER", help="Serve this package, without a project.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on, with --package.")] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Answer over HTTP until interrupted: the champion and its successors, or one version.

    Says its address once it truly answers; with `--json` as `{"url": …}` on a line. In a container without a project
    file it serves the package that the cloud laid into it (docs/serve.md).

    $ millrace serve

    $ millrace serve --port 9000 --version 3

    $ millrace serve --trust key.pub

    $ millrace serve --package packages/churn/3
    """

    def announce(step: Step) -> None:
        over = "grpc" if step.stage == "grpc" else "url"
        named = "over gRPC on" if step.stage == "grpc" else "on"
        typer.echo(json.dumps({over: step.text}) if as_json else f"Answering {named} {step.text}   (Ctrl-C ends it)")
        sys.stdout.flush()

    from millrace.serve.alone import laid_out

    laid = laid_out(os.environ) if package is None and project == DEFAULT and not project.exists() else None
    if package is None and laid is None:
        _no_more_than(host=host)
        opened(project).serve(port=port, version=version, trust=trust, watch=announce)
        return
    from millrace.config.schema import ServeSettings
    from millrace.serve.alone import serve_alone
    from millrace.serve.clouds import port as told

    _no_more_than(version=version, project=None if project == DEFAULT else project)
    # A cloud reaches its container from outside; on a desk nobody else is meant.
    address = host or ("127.0.0.1" if laid is None else "0.0.0.0")  # noqa: S104 - what every cloud's contract asks for
    settings = ServeSettings(host=address, port=told(os.environ, 8080) if port is None else port, trust=trust)
    serve_alone(package or str(laid), settings, os.environ.get("MILLRACE_STORE"), announce)


def _no_more_than(**given: object) -> None:
    """Raise `UsageError` for an option that says nothing here."""
    from millrace.errors import UsageError

    for name, value in given.items():
        if value is not None:
            raise UsageError(
                f"`--{name}` says nothing here.",
                where="serve",
                code="serve.option",
                next_step="a project file says what is served, and where; with --package, --host does",
            )
