"""JSON lines: one object per line, plain or gzip.

A line that is no JSON object is refused with its number. Nested values are kept as JSON text. A key that a line does
not have is a missing value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Refusal, Source, SourceKind, refused
from millrace.sources.column_types import kind_of
from millrace.sources.files.dialect import opened
from millrace.sources.files.source import Chunk, FileSource
from millrace.sources.streaming import HEAD_BYTES, fitting, frames, line_bytes, quoted

#: Lines among which the keys of the objects are looked for.
_KEY_LINES = 200_000
#: Lines whose JSON types are looked at.
_TYPE_LINES = 20_000
_LINE_BYTES = 64 << 20


@dataclass(slots=True)
class NdjsonFormat:
    """Reads JSON lines with DuckDB, every value as text."""

    settings: SourceSettings
    expected: tuple[str, ...] | None
    _engine: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    _columns: dict[Path, dict[str, ColumnType | None]] = field(default_factory=dict)

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The source's columns, then every other key among the first lines, in order of appearance."""
        if path not in self._columns:
            keys = self._keys(path)
            if keys and not self.expected:
                self.expected = tuple(keys)
            names = dict.fromkeys((*(self.expected or ()), *keys)) if keys else ()
            self._columns[path] = {name: keys.get(name) for name in names}
        return self._columns[path]

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The objects' values as texts, then the lines that are none."""
        names = list(self.columns(path))
        nothing = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        with opened(path) as head:
            size = fitting(size, line_bytes(head.read(HEAD_BYTES)))
        values = ", ".join(f"json_extract_string(line, {quoted(_pointer(name))})" for name in names)
        good = f"select {values} from {_lines(path)} where {_IS_OBJECT} offset {records}"
        bad = (
            f"select number, line from {_numbered(path)} where not {_IS_OBJECT} and trim(line) <> '' offset {refusals}"
        )
        with self._engine.cursor() as connection:
            try:
                for frame in frames(connection, good, size):
                    yield Chunk(frame.rename(dict(zip(frame.columns, names, strict=True))), refused())
                for frame in frames(connection, bad, size):
                    rows = (Refusal(line, None, "not a JSON object", raw) for line, raw in frame.iter_rows())
                    yield Chunk(nothing, refused(rows))
            except duckdb.Error as error:
                raise _stopped(path, error) from error

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """Line and raw text of the objects with these ordinals."""
        wanted, found, ordinal = set(records), dict[int, tuple[int | None, str]](), 0
        with opened(path) as handle:
            for number, line in enumerate(handle, 1):
                text = line.decode("utf-8", errors="replace").strip("\r\n")
                if not _is_object(text):
                    continue
                if ordinal in wanted:
                    found[ordinal] = (number, text)
                ordinal += 1
        return {record: found.get(record, (None, "")) for record in records}

    def _keys(self, path: Path) -> dict[str, ColumnType | None]:
        """Keys in order of appearance."""
        if path.stat().st_size == 0:
            return {}
        query = f"""
            with objects as (
                select json_keys(line) as names, row_number() over () as n
                from {_lines(path)} where {_IS_OBJECT} limit {_KEY_LINES}
            ),
            keys as (select n, unnest(names) as key, generate_subscripts(names, 1) as place from objects)
            select key from keys group by key order by min(n), min(place)
        """
        with self._engine.cursor() as connection:
            try:
                names = [row[0] for row in connection.sql(query).fetchall()]
                return self._stated(connection, path, names)
            except duckdb.Error as error:
                raise _stopped(path, error) from error

    def _stated(
        self, connection: duckdb.DuckDBPyConnection, path: Path, names: list[str]
    ) -> dict[str, ColumnType | None]:
        """JSON says which values are texts: a key that has some is text, unless they all are dates."""
        if not names:
            return {}
        values = ", ".join(f"json_extract(line, {quoted(_pointer(name))})::varchar" for name in names)
        query = f"select {values} from {_lines(path)} where {_IS_OBJECT} limit {_TYPE_LINES}"
        sample = next(frames(connection, query, _TYPE_LINES))
        return {name: _stated_type(column) for name, column in zip(names, sample.get_columns(), strict=True)}


# A case, since DuckDB may ask the second half of an `and` first, and malformed JSON has no type.
_IS_OBJECT = "(case when json_valid(line) then json_type(line) = 'OBJECT' else false end)"


def _lines(path: Path) -> str:
    """The file's lines, one row each, in one text column."""
    options = (
        "auto_detect=false, header=false, delim='\x01', quote='', escape='', comment='', "
        f"max_line_size={_LINE_BYTES}, columns={{line: 'VARCHAR'}}"
    )
    return f"read_csv({quoted(str(path))}, {options})"


def _numbered(path: Path) -> str:
    return f"(select line, row_number() over () as number from {_lines(path)})"


def _pointer(name: str) -> str:
    """The JSON pointer (RFC 6901) to a key."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _stated_type(values: pl.Series) -> ColumnType | None:
    texts = values.filter(values.str.starts_with('"'))
    return "text" if len(texts) and kind_of(texts.str.strip_chars('"')) not in {"date", "datetime"} else None


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _stopped(path: Path, error: duckdb.Error) -> SourceError:
    return SourceError(f"Reading stopped: {str(error).splitlines()[0]}", where=str(path), code="source.read")


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return FileSource(name, settings, base, schema, NdjsonFormat)


KIND = SourceKind("ndjson", _open, suffixes=(".ndjson", ".jsonl"))
