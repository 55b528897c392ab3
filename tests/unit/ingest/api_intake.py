"""An API held in memory, and processes that ingest it and die at a chosen step."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError
from millrace.ingest.stage import ingest
from millrace.records.ingestion import Ingested
from millrace.records.progress import Step, Watch, unwatched
from millrace.store.objects import Store

#: Pages of two: a row that does not fit, one that fails a check, what is no object, and a record on two pages.
ROWS: list[Any] = [
    {"id": 1, "at": "2026-01-01T10:01:00Z", "tenure": 1},
    {"id": 2, "at": "2026-01-01T10:02:00Z", "tenure": 2},
    {"id": 3, "at": "2026-01-01T10:03:00Z", "tenure": -3},
    {"id": 4, "at": "2026-01-01T10:04:00Z", "tenure": "many"},
    {"id": 2, "at": "2026-01-01T10:02:00Z", "tenure": 2},
    {"id": 5, "at": "2026-01-01T10:05:00Z", "tenure": None},
    7,
    {"id": 6, "at": "2026-01-01T10:06:00Z", "tenure": 6},
    {"id": 7, "at": "2026-01-01T10:07:00Z", "tenure": 7},
]
KEPT = [1, 2, 5, 6, 7]


def settings(port: int, since: bool) -> SourceSettings:
    said: dict[str, Any] = {
        "from": f"http://127.0.0.1:{port}/rows",
        "key": "id",
        "cursor": "at",
        "chunk": 2,
        "columns": {"tenure": {"type": "integer"}},
        "checks": {"tenure_positive": "tenure >= 0"},
        "api": {"retry": 0.001, "auth": {"bearer": "hunter2-hunter2"}},
    }
    if since:
        said["api"]["since"] = "from"
    return SourceSettings.model_validate(said)


def take(folder: Path, port: int, since: bool = False, watch: Watch = unwatched, run: str = "run") -> Ingested:
    return ingest("customers", settings(port, since), Store(folder), folder, run, watch)


def die_at(folder: Path, port: int, since: bool, ordinal: int) -> None:
    """Ingest, and kill this process at its `ordinal`-th step."""
    steps = iter(range(ordinal + 1))

    def fatal(step: Step) -> None:
        if next(steps) == ordinal:
            os.kill(os.getpid(), signal.SIGKILL)

    take(folder, port, since, fatal, "killed")


def live_until_killed(folder: Path, port: int, since: bool, begun: Any, run: str) -> None:
    """Say that it begins, then ingest."""
    begun.set()
    take(folder, port, since, run=run)


def start_together(folder: Path, port: int, since: bool, barrier: Any, run: str) -> None:
    """Ingest at the same moment as the others that wait at `barrier`."""
    barrier.wait()
    take(folder, port, since, run=run)


def fail(folder: Path, port: int, since: bool, answers: Any) -> None:
    """Ingest, and answer with what went wrong."""
    try:
        take(folder, port, since)
        answers.put(("nothing", ""))
    except MillraceError as error:
        answers.put((type(error).__name__, str(error)))
