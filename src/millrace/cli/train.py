"""`millrace train`: as `run`, without releasing."""

from __future__ import annotations

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching


def train(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Ingest, train, evaluate and package; the champion stays.

    $ millrace train

    $ millrace train --json
    """
    from millrace.cli.render.run import run as render

    with watching(as_json) as watch:
        record = opened(project).train(watch)
    show(record, as_json, render)
