"""Files that grow by frames of one schema and appear under their name only when they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import BinaryIO, Protocol, Self

import polars as pl
from polars.io.plugins import register_io_source

from millrace.errors import DataError

#: Rows that readers of Parquet can skip together.
_GROUP_ROWS = 122_880

SUFFIXES = (".csv", ".parquet", ".ndjson")


class DelimitedWriter:
    """Writes CSV; a context that keeps the file when it ends well and removes it otherwise."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._part = to.with_name(f".{to.name}.part")
        self._stream: BinaryIO | None = None
        self._begun = False

    def __enter__(self) -> Self:
        self._stream = self._part.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()
        if kind is None and self._begun:
            self._part.replace(self._to)
        else:
            self._part.unlink(missing_ok=True)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of `frame`."""
        if self._stream is not None:
            self._append(frame, self._stream, first=not self._begun)
            self._begun = True

    def _append(self, frame: pl.DataFrame, stream: BinaryIO, *, first: bool) -> None:
        frame.write_csv(stream, include_header=first)


class LinesWriter(DelimitedWriter):
    """Writes one JSON object a line."""

    def _append(self, frame: pl.DataFrame, stream: BinaryIO, *, first: bool) -> None:  # noqa: ARG002 - no header
        frame.write_ndjson(stream)


class ParquetWriter:
    """Writes Parquet through one Polars sink that takes batches as they come and cuts row groups of its own size."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._part = to.with_name(f".{to.name}.part")
        # Two waiting batches keep both sides busy; more would only fill memory.
        self._waiting: Queue[pl.DataFrame | None] = Queue(maxsize=2)
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            if kind is None and self._failure is None:
                self._part.replace(self._to)
        self._part.unlink(missing_ok=True)
        if kind is None:
            self._complain()

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of `frame`. Raises `DataError` when earlier ones could not be written."""
        self._complain()
        if self._thread is None:
            self._thread = Thread(target=self._sink, args=(frame.schema,), name="parquet", daemon=True)
            self._thread.start()
        self._waiting.put(frame)

    def _complain(self) -> None:
        if self._failure is not None:
            raise DataError(f"The answers cannot be written: {self._failure}", where=str(self._to)) from self._failure

    def _sink(self, schema: pl.Schema) -> None:
        ended = False

        def frames(*_: object) -> Iterator[pl.DataFrame]:
            nonlocal ended
            while (frame := self._waiting.get()) is not None:
                yield frame
            ended = True

        try:
            rows = register_io_source(frames, schema=schema)
            rows.sink_parquet(self._part, compression="snappy", row_group_size=_GROUP_ROWS, maintain_order=True)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that writes
            self._failure = error
            while not ended and self._waiting.get() is not None:
                pass


class Writer(Protocol):
    """What a format's writer can do."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of `frame`."""


def opened(to: Path) -> AbstractContextManager[Writer, None]:
    """The writer that the suffix of `to` asks for."""
    match to.suffix:
        case ".csv":
            return DelimitedWriter(to)
        case ".parquet":
            return ParquetWriter(to)
        case _:
            return LinesWriter(to)
