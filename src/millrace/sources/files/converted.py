"""Formats that are converted once, to JSON lines or Parquet, and then read like these; memory stays bounded."""

from __future__ import annotations

import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from millrace.config.schema import ColumnType, SourceSettings
from millrace.sources.base import Opener, Source
from millrace.sources.files.ndjson import NdjsonFormat
from millrace.sources.files.source import Chunk, FileSource
from millrace.sources.scratch import Scratch

#: The records of a file: the line (or row) each starts at, and its JSON text on one line.
Records = Callable[[Path, SourceSettings], Iterator[tuple[int, str]]]
_PLACE = 8


@dataclass(slots=True)
class LinesFormat:
    """Reads what `records` gives as JSON lines; `typed` says whether JSON's types are those of the file."""

    settings: SourceSettings
    expected: tuple[str, ...] | None
    records: Records
    typed: bool
    _copies: dict[Path, Path] = field(default_factory=dict)
    _scratch: Scratch = field(default_factory=Scratch)
    _lines: NdjsonFormat | None = None

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The columns of the records."""
        found = self._reader.columns(self._copy(path))
        return found if self.typed else dict.fromkeys(found)

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The records' values as texts, then the records that are no objects."""
        yield from self._reader.read(self._copy(path), size, records, refusals)

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """The line in the original file, and the record as JSON."""
        copy = self._copy(path)
        with _places(copy).open("rb") as handle:
            places = array.array("q", handle.read())
        found = self._reader.locate(copy, records)
        return {record: (places[line - 1] if line else None, raw) for record, (line, raw) in found.items()}

    @property
    def _reader(self) -> NdjsonFormat:
        if self._lines is None:
            self._lines = NdjsonFormat(self.settings, self.expected)
        return self._lines

    def _copy(self, path: Path) -> Path:
        if path not in self._copies:
            copy = self._scratch.place("records.ndjson")
            with copy.open("w", encoding="utf-8", errors="backslashreplace") as lines, _places(copy).open("wb") as at:
                for place, text in self.records(path, self.settings):
                    lines.write(text + "\n")
                    at.write(place.to_bytes(_PLACE, "little"))
            self._copies[path] = copy
        return self._copies[path]


def _places(copy: Path) -> Path:
    return copy.with_suffix(".places")


def opener(records: Records, *, typed: bool) -> Opener:
    """What opens a source whose files `records` reads."""
    form = partial(LinesFormat, records=records, typed=typed)

    def opened(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
        return FileSource(name, settings, base, schema, form)

    return opened
