"""Avro and Arrow IPC files: converted once to Parquet, with the types of the file. Avro is held in memory meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Source, SourceKind
from millrace.sources.files.parquet import ParquetFormat
from millrace.sources.files.source import Chunk, FileSource
from millrace.sources.scratch import Scratch

_AVRO = b"Obj\x01"
_IPC = b"ARROW1"


@dataclass(slots=True)
class ArrowFormat:
    """Reads Avro, Arrow IPC files and Arrow IPC streams, told apart by their first bytes."""

    settings: SourceSettings
    expected: tuple[str, ...] | None
    _copies: dict[Path, Path] = field(default_factory=dict)
    _scratch: Scratch = field(default_factory=Scratch)
    _parquet: ParquetFormat | None = None

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The file's columns with their types."""
        return self._reader.columns(self._copy(path))

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The file's rows."""
        yield from self._reader.read(self._copy(path), size, records, refusals)

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """The number of a row in the file, and the row as JSON."""
        return self._reader.locate(self._copy(path), records)

    @property
    def _reader(self) -> ParquetFormat:
        if self._parquet is None:
            self._parquet = ParquetFormat(self.settings, self.expected)
        return self._parquet

    def _copy(self, path: Path) -> Path:
        if path not in self._copies:
            copy = self._scratch.place("rows.parquet")
            try:
                _convert(path, copy)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise SourceError(
                    f"`{path.name}` cannot be read: {str(error).splitlines()[0]}",
                    where=str(path),
                    code="source.read",
                    next_step="check that the file is complete",
                ) from error
            self._copies[path] = copy
        return self._copies[path]


def _convert(path: Path, copy: Path) -> None:
    with path.open("rb") as handle:
        start = handle.read(len(_IPC))
    if start.startswith(_AVRO):
        pl.read_avro(path).write_parquet(copy)
    elif start == _IPC:
        pl.scan_ipc(path).sink_parquet(copy)
    else:
        pl.read_ipc_stream(path).write_parquet(copy)


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return FileSource(name, settings, base, schema, ArrowFormat)


KIND = SourceKind("arrow", _open, suffixes=(".avro", ".arrow", ".feather", ".ipc"))
