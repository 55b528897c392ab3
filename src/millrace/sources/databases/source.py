"""Rows of a database table or query: a snapshot in chunks, then what is new, also what was committed late.

Rows are read in the order of (`cursor`, `key`), a chunk per query, each behind the last row of the one before. Clocks
and sequences are read before a transaction commits, so a row may appear behind a place already passed. Each ingest
therefore looks again: at the last stretch (`overlap`) when a `cursor` says how rows grow, at the keys of all rows when
nothing does. Rows that were delivered are known by a 64-bit hash of cursor and key, and left out. With a `cursor`, a
row that appears later than `overlap` is missed; without one, none is.

The position is ``{"at": [cursor, key…], "rows": n, "seen": [segments]}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import ProjectFileError, SourceError, nearest
from millrace.records.batch import Batch, Position
from millrace.sources.base import Look, Source, SourceKind, refused
from millrace.sources.column_names import check_names
from millrace.sources.column_types import DTYPES
from millrace.sources.cursors import floor, measure
from millrace.sources.databases.base import Ask, Database, Page, connect
from millrace.sources.databases.bounds import Bounds
from millrace.sources.databases.delivered import Delivered, Hashes, known
from millrace.sources.databases.parts import Late, Piece, Range
from millrace.sources.databases.python_values import packed, unpacked

CHUNK = 100_000
#: What a number loses at most on its way to a Float64, relatively; rows so near to the overlap's edge are remembered.
_ROUNDING = 1e-12


@dataclass(slots=True)
class _Read:
    """How far the reading has come, and which rows were delivered."""

    at: tuple[Any, ...] | None = None
    rows: int = 0
    seen: Delivered = field(default_factory=Delivered)

    def position(self) -> dict[str, Any]:
        at = None if self.at is None else [packed(value) for value in self.at]
        return {"at": at, "rows": self.rows, "seen": self.seen.told()}

    @staticmethod
    def of(position: Position | None) -> _Read:
        if position is None:
            return _Read()
        at = position["at"] and tuple(unpacked(value) for value in position["at"])
        return _Read(at, position["rows"], Delivered.of(position["seen"], at and at[0]))


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
        keys = settings.keys
        self._check_origin()
        if not keys:
            self._refuse("Rows of a database need a `key` that tells them apart.", "add `key: <column>`")
        self._order = tuple(dict.fromkeys((settings.cursor or keys[0], *keys)))
        self._chunk = settings.chunk or CHUNK
        self._digits = False

    def _check_origin(self) -> None:
        """Raise `ProjectFileError` unless it is stated what to read."""
        if bool(self._settings.table) == bool(self._settings.query):
            self._refuse("A database needs either `table` or `query`.", "add `table: <name>`")

    def schema(self) -> dict[str, ColumnType]:
        """The columns as the database states them, or as the values of the first chunk show."""
        if self._schema is None:
            with self._connected() as database:
                self._schema = self._known(database)
        return dict(self._schema)

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """Rows that appeared behind the place reached, then the rows beyond it, a chunk at a time."""
        done = _Read.of(after)
        with self._connected() as database:
            self._examine(database)
            late = self._late(database, done.at, done.seen.hashes) if done.at is not None else iter(())
            yield from self.joined(after, chain(late, self._range(database, Bounds(after=done.at))))

    def parts(self, after: Position | None) -> Iterator[Late | Range]:
        """What came late, then ranges of a chunk each; the last one has no end. One row of each is looked at."""
        done, schema = _Read.of(after), self.schema()
        with self._connected() as database:
            origin = self._origin(database)
            self._examine(database)
            if done.at is not None:
                yield Late(self, done.at, done.seen.hashes)
            start, ends = done.at, True
            while ends:
                last = Ask(origin, self._order, Bounds(start), 1, skip=self._chunk - 1, order_only=True)
                page = database.page(last, schema)
                end = page.last if (ends := page.frame.height > 0) else None
                yield Range(self, Bounds(start, end))
                start = end

    def joined(self, after: Position | None, found: Iterator[Piece]) -> Iterator[Batch]:
        """A batch of each piece, in the order of the table."""
        done = _Read.of(after)
        for piece in found:
            done.at = piece.at or done.at
            self._note(done, piece)
            yield self._batch(piece, done)

    def present(self, after: Position) -> tuple[pl.DataFrame, Position]:
        """The key of every row that is there, and `after` without the rows that are not."""
        done, schema, place = _Read.of(after), self.schema(), None
        frames = [pl.DataFrame(schema={name: DTYPES[schema[name]] for name in self._settings.keys})]
        hashes = [np.empty(0, dtype=np.uint64)]
        with self._connected() as database:
            self._examine(database)
            while page := self._ask(database, Bounds(place), schema, order_only=True):
                frames.append(page.frame.select(self._settings.keys))
                hashes.append(page.hashes.to_numpy())
                place = page.last
        done.seen = done.seen.among(np.sort(np.concatenate(hashes)))
        return pl.concat([one for one in frames if one.height] or frames), done.position()

    def late(self, at: tuple[Any, ...], seen: Hashes) -> Iterator[Piece]:
        """The rows up to `at` of which the hashes are not `seen`."""
        with self._connected() as database:
            yield from self._late(database, at, seen)

    def range(self, bounds: Bounds) -> Iterator[Piece]:
        """The rows within `bounds`, a chunk at a time."""
        with self._connected() as database:
            yield from self._range(database, bounds)

    def _late(self, database: Database, at: tuple[Any, ...], seen: Hashes) -> Iterator[Piece]:
        """All rows up to `at` are looked at, or those within the overlap."""
        place: tuple[Any, ...] | None = None
        least, schema = self._floor(at[0]), self.schema()
        while page := self._ask(
            database, (bounds := Bounds(place, at, None if place else least)), schema, order_only=True
        ):
            if not known(page.hashes.to_numpy(), seen).all():
                page = self._page(database, bounds, schema)
                if page is None:
                    break  # what was there a moment ago is gone
                new = ~pl.Series(known(page.hashes.to_numpy(), seen))
                if new.any():
                    yield self._piece(page.only(new), page.last, None)
            place = page.last

    def _range(self, database: Database, bounds: Bounds) -> Iterator[Piece]:
        while page := self._page(database, bounds, self.schema()):
            bounds = replace(bounds, after=page.last)
            yield self._piece(page, page.last, page.last)

    def _piece(self, new: Page, last: tuple[Any, ...], at: tuple[Any, ...] | None) -> Piece:
        """New rows, none of them behind the place `last`."""
        seen = pl.DataFrame({"hash": new.hashes, "cursor": new.frame[self._order[0]]})
        return Piece(new.frame, new.misfits, seen, last[0], at)

    def _page(self, database: Database, bounds: Bounds, schema: Mapping[str, ColumnType]) -> Page | None:
        """The next rows, at most a chunk; one more is asked for, so that a key that repeats shows at a chunk's end."""
        page = self._ask(database, bounds, schema, more=1)
        return page.head(self._chunk) if page else None

    def _ask(
        self,
        database: Database,
        bounds: Bounds,
        schema: Mapping[str, ColumnType],
        *,
        order_only: bool = False,
        more: int = 0,
    ) -> Page | None:
        origin = self._origin(database)
        stated = frozenset(self._settings.columns)
        ask = Ask(origin, self._order, bounds, self._chunk + more, order_only=order_only, stated=stated)
        page = database.page(ask, schema)
        repeats = (page.hashes == page.hashes.shift(1)).fill_null(value=False)
        if repeats.any():
            twice = page.only(repeats).frame.select(self._order).row(0)
            self._refuse(f"`key` does not tell rows apart: {twice} comes twice.", "name all columns of the key")
        return page if page.frame.height else None

    def _batch(self, piece: Piece, done: _Read) -> Batch:
        first = done.rows + 1
        done.rows += piece.frame.height
        return Batch(
            frame=piece.frame,
            refused=refused(),
            origin=self._settings.table or "query",
            first_row=first,
            position=done.position(),
            misfits=piece.misfits if piece.misfits.height else None,
        )

    def _note(self, done: _Read, piece: Piece) -> None:
        """Keep in mind the rows of `piece`, and forget those that no later ingest will look at."""
        assert done.at is not None
        least, rows = self._floor(done.at[0]), piece.seen
        if least is not None:
            done.seen = done.seen.since(least)
            edge = self._edge(rows["cursor"])
            rows = rows.filter(pl.col("cursor").is_null() | (pl.col("cursor") >= edge)) if edge is not None else rows
        done.seen = done.seen.along(rows["hash"].to_numpy(), None if least is None else piece.newest)

    def _edge(self, cursor: pl.Series) -> Any:
        """Where the overlap behind the newest of `cursor` begins, as its column holds it; None: all is looked at."""
        high = cursor.drop_nulls().tail(1).to_list()
        low = self._floor(high[0]) if high else None
        return low - abs(low) * _ROUNDING if isinstance(low, float) else low

    def _floor(self, high: Any) -> Any:
        """Where the overlap behind `high` begins; None when rows may appear anywhere."""
        if self._settings.cursor is None and self._settings.overlap is None:
            return None
        size = measure(high)
        unmeasured = not isinstance(size, Decimal | date) or (self._digits and isinstance(size, Decimal))
        return None if unmeasured else floor(high, self._settings.overlap)

    def _examine(self, database: Database) -> None:
        """Refuse rows that have no place in the order: they would be lost silently.

        Digits in a text, whatever is made of them later, are in the order of texts: no stretch of them is the last one.
        """
        first = database.page(Ask(self._origin(database), self._order, limit=1, order_only=True), None)
        self._digits = first.frame.schema[self._order[0]] == pl.String
        if count := database.absent(Ask(self._origin(database), self._order)):
            self._refuse(
                f"{count:,} rows have no value in {' or '.join(self._order)}, so they have no place in the order.",
                "name columns that always have values, or select them with coalesce in `query`",
            )

    def _known(self, database: Database) -> dict[str, ColumnType]:
        origin = self._origin(database)
        found = database.columns(origin)
        if found is None:
            held = database.page(Ask(origin, self._order, limit=self._chunk), None).frame.schema
            found = {name: next(kind for kind, dtype in DTYPES.items() if dtype == held[name]) for name in held}
        for name in self._order:
            if name not in found:
                raise SourceError(
                    f"There is no column `{name}`.",
                    where=self._where,
                    code="source.columns",
                    allowed=found,
                    nearest=nearest(name, found),
                )
        check_names(found, self._where)
        return found

    def _origin(self, database: Database) -> str:
        return database.origin(self._settings.table, self._settings.query)

    def _connected(self) -> AbstractContextManager[Database]:
        return closing(connect(self._settings.from_, self._base, self._where))

    def _refuse(self, seen: str, next_step: str) -> None:
        raise ProjectFileError(seen, where=self._where, code="config.sql", next_step=next_step)


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return SqlSource(name, settings, base, schema)


def _look(said: SourceSettings, folder: Path) -> Look:
    from millrace.sources.databases.proposals import look

    return look(said, folder)


#: Dialects, each with any driver behind a `+`; https://docs.sqlalchemy.org/en/20/dialects/ lists them.
SCHEMES = (
    "postgresql", "postgres", "sqlite", "mysql", "mariadb", "mssql", "oracle", "duckdb", "snowflake", "bigquery",
    "redshift", "cockroachdb", "db2", "trino", "clickhouse", "databricks", "sap", "teradatasql", "firebird",
)  # fmt: skip
KIND = SourceKind("sql", _open, schemes=SCHEMES, look=_look)
