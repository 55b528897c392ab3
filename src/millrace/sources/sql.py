"""Rows of a database table or query: a snapshot in chunks, then what is new, also what was committed late.

Rows are read in the order of (`cursor`, `key`), a chunk per query, each behind the last row of the one before. Clocks
and sequences are read before a transaction commits, so a row may appear behind a place already passed. Each ingest
therefore looks again at the last stretch (`overlap`), and leaves out the rows that it has delivered: the position holds
a 64-bit hash of each (BLAKE2b of cursor and key). A row that appears later than `overlap` is missed.

The position is ``{"at": [cursor, key…], "rows": n, "refused": n, "seen": base64}``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import ProjectFileError, SourceError
from millrace.records.batch import Batch, Position
from millrace.sources.base import Source, SourceKind, refused
from millrace.sources.bounds import Bounds
from millrace.sources.cursors import floor, measure
from millrace.sources.databases import Database, Page, connect

CHUNK = 100_000


@dataclass(slots=True)
class _Read:
    """How far the reading has come, and which rows of the last stretch were delivered."""

    at: tuple[Any, ...] | None = None
    rows: int = 0
    refused: int = 0
    seen: dict[bytes, Any] = field(default_factory=dict)

    def position(self) -> dict[str, Any]:
        packed = base64.b64encode(b"".join(sorted(self.seen))).decode()
        at = None if self.at is None else [_packed(value) for value in self.at]
        return {"at": at, "rows": self.rows, "refused": self.refused, "seen": packed}

    @staticmethod
    def of(position: Position | None) -> _Read:
        if position is None:
            return _Read()
        seen = base64.b64decode(position["seen"])
        hashes = {seen[i : i + 8]: None for i in range(0, len(seen), 8)}
        at = tuple(_unpacked(value) for value in position["at"])
        return _Read(at, position["rows"], position["refused"], hashes)


class SqlSource:
    """A table or query of one database."""

    def __init__(
        self, name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None
    ) -> None:
        self.name = name
        self._settings = settings
        self._base = base
        self._schema = dict(schema) if schema else None
        self._where = f"sources.{name}"
        keys = (settings.key,) if isinstance(settings.key, str) else settings.key or ()
        if bool(settings.table) == bool(settings.query):
            self._refuse("A database needs either `table` or `query`.", "add `table: <name>`")
        if not keys:
            self._refuse("Rows of a database need a `key` that tells them apart.", "add `key: <column>`")
        self._order = tuple(dict.fromkeys((settings.cursor or keys[0], *keys)))
        self._chunk = settings.chunk or CHUNK

    def schema(self) -> dict[str, ColumnType]:
        """The columns as the database states them, or as the values of the first chunk show."""
        if self._schema is None:
            database = self._connect()
            try:
                self._schema = self._known(database)
            finally:
                database.close()
        return dict(self._schema)

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """Late rows of the last stretch, then the rows behind it, a chunk at a time."""
        schema = self.schema()
        done = _Read.of(after)
        database = self._connect()
        try:
            self._examine(database, done)
            if done.at is not None:
                yield from self._late(database, done, schema)
            while page := self._page(database, Bounds(after=done.at), schema):
                self._note(done, page.order)
                yield self._batch(page, done)
        finally:
            database.close()

    def _late(self, database: Database, done: _Read, schema: Mapping[str, ColumnType]) -> Iterator[Batch]:
        """Rows within the overlap that were not there before."""
        place: tuple[Any, ...] | None = None
        assert done.at is not None
        least, earlier = self._floor(done.at[0]), dict(done.seen)
        while page := self._page(database, Bounds(after=place, until=done.at, least=least), schema):
            place = page.order[-1]
            hashes = [_hash(order) for order in page.order]
            done.seen.update(zip(hashes, (order[0] for order in page.order), strict=True))
            new = [one not in earlier for one in hashes]
            if any(new):
                yield self._batch(_only(page, new), done)
        done.seen = {one: value for one, value in done.seen.items() if value is not None}

    def _page(self, database: Database, bounds: Bounds, schema: Mapping[str, ColumnType]) -> Page | None:
        page = database.page(self._origin(database), self._order, bounds, self._chunk + 1, schema)
        if any(one == other for one, other in zip(page.order, page.order[1:], strict=False)):
            self._refuse(
                f"`key` does not tell rows apart: {page.order[-1]} comes twice.", "name all columns of the key"
            )
        if not page.order:
            return None
        return _only(page, [True] * min(self._chunk, len(page.order)))

    def _batch(self, page: Page, done: _Read) -> Batch:
        bad = [ordinal for ordinal, _ in page.refused]
        frame = page.frame.with_row_index("_at").filter(~pl.col("_at").is_in(bad)).drop("_at") if bad else page.frame
        first = done.rows + 1
        done.rows, done.refused = done.rows + frame.height, done.refused + len(bad)
        return Batch(
            frame=frame,
            refused=refused(
                replace(one, line=done.refused - len(bad) + n) for n, (_, one) in enumerate(page.refused, 1)
            ),
            origin=self._settings.table or "query",
            first_row=first,
            position=done.position(),
        )

    def _note(self, done: _Read, order: list[tuple[Any, ...]]) -> None:
        """Move on to the last row; keep in mind what lies within the overlap behind it."""
        done.at = order[-1]
        floor = measure(self._floor(done.at[0]))
        done.seen = {one: value for one, value in done.seen.items() if measure(value) >= floor}
        for row in reversed(order):
            if measure(row[0]) < floor:
                break
            done.seen[_hash(row)] = row[0]

    def _floor(self, high: Any) -> Any:
        return floor(high, self._settings.overlap)

    def _examine(self, database: Database, done: _Read) -> None:
        """Refuse what would lose rows silently."""
        origin = self._origin(database)
        absent = " or ".join(f"q.{database.quote(name)} is null" for name in self._order)
        if count := database.count(origin, absent, self._order, Bounds()):
            self._refuse(
                f"{count:,} rows have no value in {' or '.join(self._order)}, so they have no place in the order.",
                "name columns that always have values, or select them with coalesce in `query`",
            )
        if done.at is not None and isinstance(measure(done.at[0]), str):
            there = database.count(origin, "1 = 1", self._order, Bounds(until=done.at))
            if there > done.rows + done.refused:
                self._refuse(
                    f"{there - done.rows - done.refused:,} rows came behind the place already read: "
                    f"`{self._order[0]}` does not grow with time.",
                    "add `cursor: <column>` that grows, such as a time of change",
                )

    def _known(self, database: Database) -> dict[str, ColumnType]:
        origin = self._origin(database)
        found = database.columns(origin)
        if found is None:
            page = database.page(origin, self._order, Bounds(), self._chunk, None)
            found = {
                name: next(kind for kind, dtype in _kinds().items() if dtype == held)
                for name, held in page.frame.schema.items()
            }
        for name in self._order:
            if name not in found:
                raise SourceError(
                    f"There is no column `{name}`.", where=self._where, code="source.columns", allowed=found
                )
        return found

    def _origin(self, database: Database) -> str:
        if self._settings.query:
            return f"({self._settings.query.strip().rstrip(';')}\n)"
        return ".".join(database.quote(part) for part in (self._settings.table or "").split("."))

    def _connect(self) -> Database:
        return connect(self._settings.from_, self._base, self._where)

    def _refuse(self, seen: str, next_step: str) -> None:
        raise ProjectFileError(seen, where=self._where, code="config.sql", next_step=next_step)


def _kinds() -> Mapping[ColumnType, pl.DataType]:
    from millrace.sources.column_types import DTYPES

    return DTYPES


def _only(page: Page, chosen: list[bool]) -> Page:
    """The rows of `page` that are `chosen`, of as many as it says."""
    count = len(chosen)
    places = [at for at in range(count) if chosen[at]]
    moved = {at: n for n, at in enumerate(places)}
    return Page(
        page.frame.head(count).filter(pl.Series(chosen, dtype=pl.Boolean)),
        [page.order[at] for at in places],
        [(moved[at], one) for at, one in page.refused if at in moved],
    )


def _hash(order: tuple[Any, ...]) -> bytes:
    return blake2b(json.dumps([_packed(value) for value in order]).encode(), digest_size=8).digest()


def _packed(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"decimal": str(value)} if isinstance(value, Decimal) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: Mapping[str, Callable[[str], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "decimal": Decimal,
        "bytes": bytes.fromhex,
    }
    return readers[kind](text)


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return SqlSource(name, settings, base, schema)


SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite", "mysql+pymysql", "mssql+pyodbc", "oracle+oracledb")
KIND = SourceKind("sql", _open, schemes=SCHEMES)
