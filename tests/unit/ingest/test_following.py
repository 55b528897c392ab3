"""`millrace ingest --watch`: what comes is ingested once, whatever ends the waiting."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import from_url

from millrace.config.schema import SourceSettings
from millrace.errors import RemoteError, SourceError
from millrace.ingest.following import follow
from millrace.records.ingestion import Ingested
from millrace.records.progress import Step, unwatched
from millrace.sources import open_source
from millrace.store.objects import Store
from millrace.store.tables import Table

PROJECT = """\
version: 1
project: meters
sources:
  meters: {{from: "{place}/*.csv", quiet: {quiet}}}
model: {{predict: y}}
store: {store}
"""


class Watching:
    """A running `millrace ingest --watch`, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)

    def next(self) -> dict[str, Any]:
        return json.loads(self._lines.get(timeout=60))

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def silent(self) -> bool:
        return self._lines.empty()


@contextmanager
def watching(folder: Path) -> Iterator[Watching]:
    process = subprocess.Popen(
        [sys.executable, "-m", "millrace", "ingest", "--watch", "--every", "0.1 s", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watching(process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def write(folder: Path, place: str, store: str, quiet: str = "0.001 s") -> None:
    (folder / "millrace.yaml").write_text(PROJECT.format(place=place, store=store, quiet=quiet))


def moved_in(folder: Path, name: str, text: str) -> None:
    (folder / f".{name}.part").write_text(text)
    (folder / f".{name}.part").rename(folder / name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_files_that_come_are_ingested_until_it_is_told_to_stop(tmp_path: Path, number: int) -> None:
    write(tmp_path, "raw", "store")
    with watching(tmp_path) as running:
        (tmp_path / "raw").mkdir()
        moved_in(tmp_path / "raw", "a.csv", "id,y\n1,2\n2,3\n")
        assert (running.next()["read"], running.silent()) == (2, True)
        moved_in(tmp_path / "raw", "b.csv", "id,y\n3,2\n")
        assert running.next()["table_version"] == 2
        assert running.stop(number) == 0
    assert sorted(Table(Store(tmp_path / "store"), "tables/meters").read()["id"]) == [1, 2, 3]


def test_killed_and_started_again_it_doubles_nothing(tmp_path: Path) -> None:
    write(tmp_path, "raw", "store")
    (tmp_path / "raw").mkdir()
    for life in range(3):
        moved_in(tmp_path / "raw", f"{life}.csv", f"id,y\n{life},2\n")
        with watching(tmp_path) as running:
            assert running.next()["read"] == 1
            assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    assert sorted(Table(Store(tmp_path / "store"), "tables/meters").read()["id"]) == [0, 1, 2]


def test_objects_that_come_are_ingested(bucket: str, tmp_path: Path) -> None:
    write(tmp_path, f"{bucket}/raw", f"{bucket}/lake")
    with watching(tmp_path) as running:
        for name in ("a", "b"):
            obstore.put(from_url(bucket), f"raw/{name}.csv", f"id,y\n{ord(name)},2\n".encode())
            assert running.next()["kept"] == 1
        assert running.stop(signal.SIGTERM) == 0
    assert sorted(Table(Store(f"{bucket}/lake"), "tables/meters").read()["id"]) == [97, 98]


def test_a_file_that_is_being_written_waits(tmp_path: Path) -> None:
    for name in ("old", "new", "future"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n")
    os.utime(tmp_path / "old.csv", (time.time() - 100,) * 2)
    os.utime(tmp_path / "future.csv", (time.time() + 100,) * 2)
    source = open_source("s", SourceSettings(**{"from": "*.csv", "quiet": "30 s"}), tmp_path)
    assert {batch.origin for batch in source.batches(None)} == {"old.csv", "future.csv"}


def test_a_file_read_in_part_is_read_on_although_it_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millrace.sources.files.source.BATCH_ROWS", 1)
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    first = next(iter(open_source("s", SourceSettings(**{"from": "*.csv"}), tmp_path).batches(None)))
    again = open_source("s", SourceSettings(**{"from": "*.csv", "quiet": "30 s"}), tmp_path, {"id": "integer"})
    assert [batch.frame.rows() for batch in again.batches(first.position)] == [[(2,)]]


def done(read: int) -> Ingested:
    return Ingested("s", read, read, 0, 0, 0, 1, 1, {})


def test_what_may_pass_is_told_and_tried_again_and_what_may_not_ends_it() -> None:
    answers = iter([RemoteError("It is gone."), SourceError("Nothing.", code="source.missing"), done(3), done(0)])
    steps: list[str] = []
    records: list[Ingested] = []

    def ingest(name: str, watch: object) -> Ingested:
        answer = next(answers, SourceError("It grew.", code="source.file-changed"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    stop = threading.Event()
    with pytest.raises(SourceError, match="It grew"):
        follow(["s"], ingest, every=0, stop=stop, told=records.append, watch=lambda step: steps.append(step.text))
    assert [record.read for record in records] == [3]
    assert steps == ["s: waiting. It is gone.", "s: waiting. Nothing."]


def test_told_to_stop_it_finishes_the_batch_and_begins_no_other() -> None:
    stop, points = threading.Event(), []

    def ingest(name: str, watch: object) -> Ingested:
        for point in ("read", "committed", "acknowledged", "read"):
            points.append(point)
            if point == "read":
                stop.set()
            watch(Step("ingest", f"s: {point}"))
        return done(1)

    follow(["s", "t"], ingest, every=60, stop=stop, told=lambda _: None, watch=unwatched)
    assert points == ["read", "committed", "acknowledged"]
