"""Parquet files: types are those of the file; nested values become JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Source, SourceKind, refused
from millrace.sources.files.source import Chunk, FileSource
from millrace.sources.streaming import fitting, frames, identifier, quoted

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_ROW_BYTES = """
    select coalesce(sum(total_uncompressed_size) / nullif(sum(path_rows), 0), 0) from (
        select total_uncompressed_size, if(column_id = 0, row_group_num_rows, 0) as path_rows
        from parquet_metadata({file})
    )"""
_NESTED = ("STRUCT", "MAP", "UNION")


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """Reads Parquet with DuckDB, every value as one of Millrace's types."""

    settings: SourceSettings
    expected: tuple[str, ...] | None
    _engine: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The file's columns with their types."""
        return {name: _type_of(stored) for name, stored in self._stored(path).items()}

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The file's rows; nothing in Parquet can be half broken, so there are no refusals."""
        del refusals
        with self._engine.cursor() as connection:
            try:
                ((row_bytes,),) = connection.sql(_ROW_BYTES.format(file=quoted(str(path)))).fetchall()
                size = fitting(size, row_bytes)
                for frame in frames(connection, f"{self._select(path)} offset {records}", size):
                    yield Chunk(frame, refused())
            except duckdb.Error as error:
                raise _unreadable(path, error) from error

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """The number of a row in the file, and the row as JSON."""
        places = ", ".join(str(record) for record in records)
        query = f"select * from ({self._select(path, 'file_row_number')}) where file_row_number in ({places})"
        with self._engine.cursor() as connection:
            relation = connection.sql(query)
            rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        return {
            int(row["file_row_number"]): (
                int(row["file_row_number"]) + 1,
                json.dumps({k: v for k, v in row.items() if k != "file_row_number"}, default=str, ensure_ascii=False),
            )
            for row in rows
        }

    def _stored(self, path: Path) -> dict[str, str]:
        with self._engine.cursor() as connection:
            try:
                rows = connection.sql(f"describe select * from read_parquet({quoted(str(path))})").fetchall()
            except duckdb.Error as error:
                raise _unreadable(path, error) from error
        return {row[0]: row[1] for row in rows}

    def _select(self, path: Path, *more: str) -> str:
        columns = [
            f"{_cast(identifier(name), kind)} as {identifier(name)}" for name, kind in self._stored(path).items()
        ]
        numbered = ", file_row_number=true" if more else ""
        return f"select {', '.join([*columns, *more])} from read_parquet({quoted(str(path))}{numbered})"


def _type_of(stored: str) -> ColumnType:
    if stored in _INTEGERS:
        return "integer"
    if stored in {"FLOAT", "DOUBLE"} or stored.startswith("DECIMAL"):
        return "number"
    if stored.startswith("TIMESTAMP"):
        return "datetime"
    return {"BOOLEAN": "boolean", "DATE": "date"}.get(stored, "text")  # type: ignore[return-value]


def _cast(column: str, stored: str) -> str:
    kind = _type_of(stored)
    if stored == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    if kind == "text" and (stored.endswith("]") or stored.startswith(_NESTED)):
        return f"to_json({column})::varchar"
    targets = {"integer": "bigint", "number": "double", "datetime": "timestamp", "text": "varchar"}
    return f"{column}::{targets[kind]}" if kind in targets else column


def _unreadable(path: Path, error: duckdb.Error) -> SourceError:
    return SourceError(
        f"`{path.name}` cannot be read as Parquet: {str(error).splitlines()[0]}",
        where=str(path),
        code="source.read",
        next_step="check that the file is complete",
    )


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return FileSource(name, settings, base, schema, ParquetFormat)


KIND = SourceKind("parquet", _open, suffixes=(".parquet", ".pq"))
