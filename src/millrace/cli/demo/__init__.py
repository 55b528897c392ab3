"""`millrace demo`: the whole wheel on real data, told while it turns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    into: Annotated[Path, typer.Option("--into", help="The folder that is made, and left to play with.")] = Path(
        "millrace-demo"
    ),
) -> None:
    """Walk the whole wheel on real, messy records: ingest, train, serve, drift, retrain, roll back.

    $ millrace demo

    $ millrace demo --into /tmp/wheel
    """
    from rich.console import Console

    from millrace.cli.demo.story import Story

    Story(into.resolve(), Console(soft_wrap=False)).tell()
