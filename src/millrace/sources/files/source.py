"""Files as a source: which are new, how far each was read, and that none changed behind our back.

The position is ``{"done": {name: fingerprint}, "reading": {...} | None}``. Names are relative to the part of `from`
before the first wildcard, so a project folder can move. A fingerprint is the size and a hash of head and tail: it
survives copying, which times of modification do not; of an object in a store it is the size and the store's tag. A
file without rows is not marked done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.engine.here import Here
from millrace.errors import SourceError, nearest
from millrace.records.batch import Batch, Position
from millrace.sources.base import Refusal, refused
from millrace.sources.column_names import check_names
from millrace.sources.files.changed import since_ingested, while_read
from millrace.sources.files.column_texts import ColumnTexts
from millrace.sources.files.paths import FileAt, LocalPlace, Place
from millrace.sources.files.remote import RemotePlace
from millrace.store.remote import is_remote

#: A format gives fewer at a time when they are long.
BATCH_ROWS = 500_000
#: Types are inferred over all rows up to about this many; a later row that does not fit is refused, not misread.
INFERRED_ROWS = 500_000
_MANY_REFUSED = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one file, or refusals found in it; never both.

    `void` says of rows of `frame`, by their index, why they are none.
    """

    frame: pl.DataFrame
    refused: pl.DataFrame
    void: Mapping[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> pl.DataFrame:
        """The records that are rows."""
        return self.frame.filter(_without(self.void, self.frame.height)) if self.void else self.frame


class FileFormat(Protocol):
    """What a format of files adds to `FileSource`."""

    def columns(self, path: Path) -> dict[str, ColumnType | None]:
        """The columns of a file in order, with the types the format states; empty for an empty file."""

    def read(self, path: Path, size: int, records: int, refusals: int) -> Iterator[Chunk]:
        """The file's records behind the first `records`, up to `size` at a time, then its refusals behind `refusals`.

        Columns are in the file's order. A column whose type the format does not state comes as String.
        """

    def locate(self, path: Path, records: list[int]) -> dict[int, tuple[int | None, str]]:
        """Line and raw text of the records with these ordinals (from 0)."""


@runtime_checkable
class NumberFormat(Protocol):
    """A format of texts that reads numbers at once where it is told which columns hold them."""

    #: The columns that may come so instead of as texts, with the dtype to come in, from the next chunk on.
    numbers: Mapping[str, pl.DataType]


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a file was delivered: records as the format counts them, rows kept, refusals of the format."""

    records: int = 0
    rows: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class File:
    """One file of a source, from where it was read to the end."""

    source: FileSource
    file: FileAt
    fingerprint: str
    start: Progress

    def read(self) -> Iterator[Batch]:
        """The rows of the file; positions know of no other, and the last one marks it done."""
        return self.source.read(self.file, self.fingerprint, self.start)


class FileSource:
    """The rows of one file or of every file that a glob matches, in the order of their names."""

    def __init__(
        self,
        name: str,
        settings: SourceSettings,
        base: Path,
        schema: Mapping[str, ColumnType] | None,
        form: Callable[[SourceSettings, tuple[str, ...] | None], FileFormat],
        batch_rows: int | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._texts = ColumnTexts(settings)
        self._base = base
        self._known = schema
        self._form = form
        self._format = form(settings, tuple(schema) if schema else None)
        self._batch_rows = batch_rows or BATCH_ROWS
        self._begun: dict[tuple[str, str], Iterator[tuple[Path, Chunk]]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the same files anew, with the schema that was found out here."""
        return FileSource, (self.name, self._settings, self._base, self.schema(), self._form, self._batch_rows)

    def schema(self) -> dict[str, ColumnType]:
        """The columns in order, with their types; inferred once over all files unless they were given."""
        return dict(self._schema)

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The rows behind `after`. Raises `SourceError` when a file that was read has changed."""
        return self.joined(after, (batch for part in self.parts(after) for batch in part.read()))

    def joined(self, after: Position | None, found: Iterator[Batch]) -> Iterator[Batch]:
        """The batches of single files, with positions that know of all files before."""
        done: dict[str, str] = {**(after or {}).get("done", {})}
        for batch in found:
            done |= batch.position["done"]
            yield replace(batch, position={**batch.position, "done": {**done}})

    def first_batches(self, after: Position | None) -> Iterator[Batch]:
        """The first batch of each file that is new."""
        return (batch for part in self.parts(after) for batch in islice(part.read(), 1))

    def columns_ahead(self, after: Position | None) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The columns of each new file that is here; an object far away is not fetched for it."""
        if isinstance(self._place, LocalPlace) and self._schema:
            for part in self.parts(after):
                if columns := self._columns_in(part.file):
                    yield part.file.origin, tuple(columns)

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each file, by its origin."""
        return {file.origin: self._place.fingerprint(file) for file in self._settled}

    def parts(self, after: Position | None) -> Iterator[File]:
        """The files behind `after`. Raises `SourceError` when one that was read has changed."""
        done: Mapping[str, str] = (after or {}).get("done", {})
        reading: Mapping[str, Any] = (after or {}).get("reading") or {}
        files = {file.key: file for file in self._files}
        if reading and reading["file"] not in files:
            raise self._error(
                f"`{reading['file']}` was read up to record {reading['records']} and is gone.",
                code="source.file-gone",
                next_step="put the file back, or ingest into a new source name",
            )
        settled = frozenset(self._settled)
        for key, file in files.items():
            print_ = self._place.fingerprint(file)
            expected = reading["fingerprint"] if reading and key == reading["file"] else done.get(key)
            if expected not in {None, print_}:
                raise since_ingested(key, expected or "0-", print_, f"sources.{self.name}")
            if key in done or (file not in settled and key != reading.get("file")):
                continue
            progress = Progress()
            if reading and key == reading["file"]:
                progress = Progress(reading["records"], reading["rows"], reading["refusals"])
            yield File(self, file, print_, progress)

    def read(self, file: FileAt, print_: str, start: Progress) -> Iterator[Batch]:
        """The batches of one file. The last one marks the file done."""
        progress, held = start, None
        if not self._schema:  # the first file names the columns, so it is asked first
            return
        if isinstance(self._format, NumberFormat):
            self._format.numbers = self._texts.numbers(self._schema)
        kinds: dict[str, ColumnType] = {}
        begun = self._begun.pop((file.key, print_), None) if start == Progress() else None
        for path, chunk in begun or self._chunks(file, start):
            if held is not None:
                yield held
            kinds = kinds or self._kinds(self._format.columns(path), chunk.rows)
            frame, odd, void = self._typed(path, chunk, progress.records, kinds)
            first = progress.rows + 1
            progress = Progress(
                progress.records + chunk.frame.height,
                progress.rows + frame.height,
                progress.refusals + chunk.refused.height,
            )
            held = Batch(
                frame=frame,
                refused=pl.concat([chunk.refused, void]),
                origin=file.origin,
                first_row=first,
                position={"done": {}, "reading": {"file": file.key, "fingerprint": print_, **asdict(progress)}},
                misfits=odd if odd.height else None,
            )
        if held is not None:
            if self._place.fingerprint(file) != print_:
                raise while_read(file.key, f"sources.{self.name}")
            yield replace(held, position={"done": {file.key: print_}, "reading": None})

    def _kinds(self, columns: Mapping[str, ColumnType | None], frame: pl.DataFrame) -> dict[str, ColumnType]:
        """The columns of one file: the schema's in its order, then its own, with types that `frame` shows."""
        kinds = {name: kind for name, kind in self._schema.items() if name in columns}
        own = {name: self._texts.stated(name) or kind for name, kind in columns.items() if name not in kinds}
        if unknown := [name for name, kind in own.items() if kind is None]:
            own |= self._texts.infer([frame], unknown)
        return kinds | {name: kind or "text" for name, kind in own.items()}

    def _typed(
        self, path: Path, chunk: Chunk, before: int, kinds: Mapping[str, ColumnType]
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """The rows in the order and types of `kinds`, the values that do not fit, and what is no row, as refusals."""
        frame, odd = self._texts.typed(chunk.rows, kinds)
        return frame, odd, self._void(path, chunk, before)

    def _void(self, path: Path, chunk: Chunk, before: int) -> pl.DataFrame:
        """The records that are no rows, with line and raw text."""
        if not chunk.void:
            return refused()
        places = self._format.locate(path, [before + row for row in sorted(chunk.void)])
        return refused(
            Refusal(places[before + row][0], None, reason, places[before + row][1])
            for row, reason in sorted(chunk.void.items())
        )

    @cached_property
    def _schema(self) -> dict[str, ColumnType]:
        if self._known is not None:
            return dict(self._known)
        stated = self._stated
        inferred = {}
        if unknown := [name for name, kind in stated.items() if kind is None]:
            inferred = self._texts.infer(self._sample(), unknown)
        return {name: kind or inferred.get(name, "text") for name, kind in stated.items()}

    @cached_property
    def _stated(self) -> dict[str, ColumnType | None]:
        """The columns of the first file that has any, with the types that the settings or the format state."""
        columns = next((columns for file in self._settled if (columns := self._columns_in(file))), {})
        check_names(columns, f"sources.{self.name}")
        for name in self._settings.columns if columns else ():
            if name not in columns:
                raise self._error(
                    f"`columns` names `{name}`, which is not in the data.",
                    code="source.column",
                    allowed=columns,
                    nearest=nearest(name, columns),
                )
        return {name: self._texts.stated(name) or kind for name, kind in columns.items()}

    def _sample(self) -> Iterator[pl.DataFrame]:
        """The first rows. Whoever reads the file later goes on from there instead of parsing them again."""
        rows = 0
        for file in self._settled:
            print_, seen, rest = self._place.fingerprint(file), [], self._chunks(file, Progress())
            for one in rest:
                seen.append(one)
                yield one[1].rows
                rows += one[1].frame.height
                # Refusals stand behind the rows; many of them are not held.
                if rows >= INFERRED_ROWS or one[1].refused.height >= _MANY_REFUSED:
                    break
            self._begun[file.key, print_] = chain(seen, rest)
            if rows >= INFERRED_ROWS:
                break

    def _chunks(self, file: FileAt, start: Progress) -> Iterator[tuple[Path, Chunk]]:
        """The chunks of a file from `start` on, each with where the file lies while it is read.

        The next chunk is read while this one gets its types, which an ingest commits while the next one does.
        """
        with self._place.local(file) as path:
            if not self._columns_in(file):
                return
            with closing(Here().stream(self._reading, [(path, start)])) as chunks:
                for chunk in chunks:
                    yield path, chunk

    def _reading(self, part: tuple[Path, Progress]) -> Iterator[Chunk]:
        path, start = part
        return self._format.read(path, self._batch_rows, start.records, start.refusals)

    def _columns_in(self, file: FileAt) -> dict[str, ColumnType | None]:
        with self._place.local(file) as path:
            return self._format.columns(path)

    @cached_property
    def _place(self) -> Place:
        return place_of(self._settings.from_, self._base, f"sources.{self.name}")

    @cached_property
    def _files(self) -> tuple[FileAt, ...]:
        return self._place.files()

    @cached_property
    def _settled(self) -> tuple[FileAt, ...]:
        """The files that nobody is writing any more, as far as `quiet` can tell."""
        quiet = self._settings.quiet or 0
        return tuple(file for file in self._files if not quiet or not self._place.fresh(file, quiet))

    def _error(self, seen: str, **details: Any) -> SourceError:
        return SourceError(seen, where=f"sources.{self.name}", **details)


def place_of(location: str, base: Path, where: str) -> Place:
    """Where the files of `location` are: an object store, or here, relative to `base`."""
    return RemotePlace(location, where) if is_remote(location) else LocalPlace(location, base, where)


def _without(rows: Iterable[int], height: int) -> pl.Series:
    """True for every index below `height` but for `rows`."""
    return pl.Series([True]).new_from_index(0, height).scatter(list(rows), False)
