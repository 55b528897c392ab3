"""Delimited text: CSV and its relatives, plain or compressed.

A broken line is refused with its line, column and reason; the others are kept. Blank lines are not rows. A line
with bytes that its encoding does not have is refused. Lines before the header are refused too, so that no line
vanishes, unless `skip` says that they are no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice
from pathlib import Path

import duckdb
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Refusal, Source, SourceKind, refused
from millrace.sources.files.dialect import SUFFIXES, Dialect, opened, sniff
from millrace.sources.files.mending import mended
from millrace.sources.files.plain import plain
from millrace.sources.files.refusals import Refusals
from millrace.sources.files.regular import RegularLines
from millrace.sources.files.rejects import locate, rejects
from millrace.sources.files.source import Chunk, FileSource
from millrace.sources.files.void_rows import void
from millrace.sources.scratch import Scratch
from millrace.sources.streaming import HEAD_BYTES, fitting, frames, line_bytes, quoted

#: So many refusals are told at a time.
_REFUSALS = 50_000


@dataclass(slots=True)
class DelimitedFormat:
    """Reads delimited files, every value as text: regular lines with Polars, all others with DuckDB.

    Columns of `numbers` may come as numbers, with the dtype given there, from the next chunk on.
    """

    settings: SourceSettings
    expected: tuple[str, ...] | None
    numbers: Mapping[str, pl.DataType] = field(default_factory=dict)
    _engine: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    _dialects: dict[Path, Dialect | None] = field(default_factory=dict)
    _plain: dict[Path, Path] = field(default_factory=dict)
    _scratch: Scratch = field(default_factory=Scratch)
    _mended: dict[Path, tuple[Path, Refusals]] = field(default_factory=dict)
    _rejected: dict[Path, dict[int, int]] = field(default_factory=dict)

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The names of the file's columns; none for an empty file."""
        dialect = self._dialect(path)
        return dict.fromkeys(dialect.names) if dialect else {}

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The records, then the lines that could not be parsed."""
        dialect = self._dialect(path)
        if dialect is None:
            return
        nothing, copy = pl.DataFrame(schema=dict.fromkeys(dialect.names, pl.String)), self._plain[path]
        with opened(copy) as head:
            size = fitting(size, line_bytes(head.read(HEAD_BYTES)))
        regular, read = RegularLines(copy, dialect, lambda: self.numbers), 0
        for frame in regular.frames(size):
            behind, read = frame[max(0, records - read) :], read + frame.height
            if behind.height:
                yield _chunk(behind, dialect)
        with self._engine.cursor() as connection:
            broken: Iterable[Refusal] = ()
            if not regular.whole:
                for frame in self._others(connection, path, dialect, max(read, records), size):
                    yield _chunk(frame, dialect)
                broken = self._broken(connection, path, dialect)
            left = islice(chain(self._preamble(copy, dialect), broken), refusals, None)
            while some := list(islice(left, min(size, _REFUSALS))):
                yield Chunk(nothing, refused(some))

    def _others(
        self, connection: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, behind: int, size: int
    ) -> Iterator[pl.DataFrame]:
        """The rows of any file behind the first ones."""
        copy, _ = self._readable(path, dialect)
        try:
            yield from frames(connection, f"select * from {_scan(copy, dialect)} offset {behind}", size)
        except duckdb.Error as error:
            raise _stopped(path, error) from error

    def _broken(self, connection: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect) -> Iterator[Refusal]:
        """The broken lines of a file that `connection` has read."""
        copy, taken = self._readable(path, dialect)
        try:
            yield from merge(taken, rejects(connection, copy, dialect), key=lambda row: row.line or 0)
        except duckdb.Error as error:
            raise _stopped(path, error) from error

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """Line and raw text of parsed records."""
        dialect = self._dialect(path)
        if dialect is None:
            return {}
        path, _ = self._readable(path, dialect)
        if path not in self._rejected:
            with self._engine.cursor() as connection:
                every = ", ".join(f"count(c{index})" for index in range(len(dialect.names)))
                connection.sql(f"select {every} from {_scan(path, dialect)}").fetchall()
                self._rejected[path] = {
                    row.line: row.raw.count("\n") + 1
                    for row in rejects(connection, path, dialect)
                    if row.line is not None
                }
        return locate(path, dialect, records, self._rejected[path])

    def _dialect(self, path: Path) -> Dialect | None:
        if path not in self._dialects:
            copy = plain(path, self.settings, self._scratch)
            self._plain[path] = copy
            self._dialects[path] = sniff(copy, self.settings, self.expected, self._engine)
            if self.expected is None and (first := self._dialects[path]):
                self.expected = first.names
        return self._dialects[path]

    def _readable(self, path: Path, dialect: Dialect) -> tuple[Path, Refusals]:
        """The file without the lines that would be misread, and these."""
        if path not in self._mended:
            self._mended[path] = mended(self._plain[path], dialect, self._scratch)
        return self._mended[path]

    def _preamble(self, path: Path, dialect: Dialect) -> list[Refusal]:
        if self.settings.skip:
            return []
        with opened(path) as handle:
            lines = [line.decode(dialect.encoding, errors="replace") for line in islice(handle, dialect.skip)]
        return [
            Refusal(number, None, "stands before the header", line.strip("\r\n"))
            for number, line in enumerate(lines, 1)
            if line.strip() and number not in dialect.above
        ]


def _chunk(frame: pl.DataFrame, dialect: Dialect) -> Chunk:
    named = frame.rename(dict(zip(frame.columns, dialect.names, strict=True)))
    return Chunk(named, refused(), void(named, dialect.labels))


def _stopped(path: Path, error: duckdb.Error) -> SourceError:
    return SourceError(f"Reading stopped: {str(error).splitlines()[0]}", where=str(path), code="source.read")


def _scan(path: Path, dialect: Dialect) -> str:
    columns = ", ".join(f"c{index}: 'VARCHAR'" for index in range(len(dialect.names)))
    options = {
        "auto_detect": "false",
        "delim": quoted(dialect.delimiter),
        "quote": quoted(dialect.quote),
        "escape": quoted(dialect.escape),
        "encoding": quoted(dialect.encoding),
        "skip": str(dialect.skipped),
        "header": str(dialect.header).lower(),
        "comment": "''",
        "columns": "{" + columns + "}",
        "store_rejects": "true",
        "rejects_limit": "0",
    }
    scan = f"read_csv({quoted(str(path))}, {', '.join(f'{key}={value}' for key, value in options.items())})"
    # With one column a blank line looks like a missing value; it is no row there either.
    return f"{scan} where c0 is not null" if len(dialect.names) == 1 else scan


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return FileSource(name, settings, base, schema, DelimitedFormat)


KIND = SourceKind("delimited", _open, suffixes=SUFFIXES, otherwise=True)
