"""`millrace ingest`: bring what is new into the tables."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def ingest(
    source: Annotated[str | None, typer.Argument(help="One source; default: all of them.")] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Read what is new, clean and check it; refused rows go to quarantine.

    $ millrace ingest

    $ millrace ingest customers --json
    """
    from millrace.cli.render.ingested import ingested

    with watching(as_json) as watch:
        record = opened(project).ingest(source, watch)
    show(record, as_json, ingested)
