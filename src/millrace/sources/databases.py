"""How rows are asked of a database: PostgreSQL over Arrow, SQLite and whatever SQLAlchemy reaches row by row.

Every session is read-only. Values never enter SQL unquoted, names only as quoted identifiers. What a driver says of a
failure is told without the password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import polars as pl

from millrace.config.schema import ColumnType
from millrace.errors import MillraceError, MissingExtraError, RemoteError, SourceError
from millrace.sources.base import Refusal
from millrace.sources.bounds import Bounds, bound, literal_sql, within_sql
from millrace.sources.column_types import DTYPES
from millrace.sources.python_values import framed, kind_of
from millrace.sources.streaming import identifier, quoted

_NATIVE = ("Bool", "Int", "UInt8", "UInt16", "UInt32", "Float", "Date32", "Timestamp", "Utf8", "LargeUtf8")


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order: typed columns, the order's values of each row, and rows whose values do not fit."""

    frame: pl.DataFrame
    order: list[tuple[Any, ...]]
    refused: list[tuple[int, Refusal]]


class Database(Protocol):
    """One connection, read-only."""

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """The columns of `origin` with types; None when only values tell."""

    def page(
        self, origin: str, order: Sequence[str], bounds: Bounds, limit: int, schema: Mapping[str, ColumnType] | None
    ) -> Page:
        """The first `limit` rows within `bounds`, ordered by the columns `order`."""

    def count(self, origin: str, where: str, order: Sequence[str], bounds: Bounds) -> int:
        """How many rows of `origin` there are within `bounds` for which `where` holds."""

    def quote(self, name: str) -> str:
        """`name` as an identifier."""

    def close(self) -> None:
        """End the session."""


def connect(url: str, base: Path, where: str) -> Database:
    """A read-only session with the database at `url`; SQLite paths are relative to `base`.

    Raises `RemoteError` when it cannot be reached, `MissingExtraError` without its driver.
    """
    scheme = url.split("://", 1)[0].lower()
    guard = Guard(url, where)
    if scheme == "sqlite":
        return SQLite(guard, base)
    return PostgreSQL(guard) if scheme in {"postgresql", "postgres"} else Alchemy(guard)


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells failures without the secrets of the URL."""

    url: str
    where: str

    def __repr__(self) -> str:
        return f"Guard({self.place})"

    @property
    def place(self) -> str:
        """The database without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def told(self, error: Exception, *, reached: bool) -> MillraceError:
        """`error` as one that a user can act on."""
        text = " ".join(str(error).split())
        for secret in self._secrets():
            text = text.replace(secret, "***")
        if reached:
            return SourceError(f"{self.place} refuses: {text}", where=self.where, code="source.sql")
        return RemoteError(
            f"{self.place} does not answer: {text}",
            where=self.where,
            code="remote.sql",
            next_step="run again when it is back; what was committed is not read again",
        )

    def _secrets(self) -> list[str]:
        parts = urlsplit(self.url)
        raw = parts.netloc.rpartition("@")[0].partition(":")[2]
        found = {self.url, raw, unquote(raw), *(pair.partition("=")[2] for pair in parts.query.split("&"))}
        return sorted((one for one in found if len(one) > 2), key=len, reverse=True)


class PostgreSQL:
    """PostgreSQL through ADBC: rows arrive as Arrow; the order's values as exact text."""

    def __init__(self, guard: Guard) -> None:
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise missing("PostgreSQL", guard.where) from error
        self._guard = guard
        self._failures = (dbapi.Error, pl.exceptions.PolarsError)
        self._schemas: dict[str, list[tuple[str, str, ColumnType]]] = {}
        try:
            self._connection = dbapi.connect(guard.url, autocommit=True)
        except self._failures as error:
            raise guard.told(error, reached=False) from None
        for name, value in (
            ("default_transaction_read_only", "on"),
            ("timezone", "UTC"),
            ("datestyle", "ISO, YMD"),
            ("standard_conforming_strings", "on"),
        ):
            self._ask(f"select set_config('{name}', '{value}', false)")

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """The columns as the server describes them."""
        return {name: kind for name, _, kind in self._described(origin)}

    def page(
        self, origin: str, order: Sequence[str], bounds: Bounds, limit: int, schema: Mapping[str, ColumnType] | None
    ) -> Page:
        """One query, one Arrow stream."""
        del schema
        wanted = [f"{cast} as {identifier(name)}" for name, cast, _ in self._described(origin)]
        wanted += [f"q.{identifier(name)}::text as {identifier(f'_order_{i}')}" for i, name in enumerate(order)]
        ordered = ", ".join(f"q.{identifier(name)}" for name in order)
        where = within_sql([f"q.{identifier(name)}" for name in order], bounds, quoted)
        frame = self._ask(f"select {', '.join(wanted)} from {origin} q where {where} order by {ordered} limit {limit}")
        keys = frame.select(frame.columns[len(frame.columns) - len(order) :]).rows()
        kinds = {name: kind for name, _, kind in self._described(origin)}
        return Page(frame.select(_final(pl.col(n), frame.schema[n], kind) for n, kind in kinds.items()), keys, [])

    def count(self, origin: str, where: str, order: Sequence[str], bounds: Bounds) -> int:
        """Counted by the server."""
        within = within_sql([f"q.{identifier(name)}" for name in order], bounds, quoted)
        return int(self._ask(f"select count(*) as n from {origin} q where ({where}) and {within}").item())

    def quote(self, name: str) -> str:
        """In double quotes."""
        return identifier(name)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def _described(self, origin: str) -> list[tuple[str, str, ColumnType]]:
        if origin not in self._schemas:
            from arro3.core import RecordBatchReader

            def fields(handle: Any) -> list[Any]:
                return list(RecordBatchReader.from_stream(handle).schema)  # type: ignore[call-overload, no-any-return]

            found = self._ask(f"select * from {origin} q limit 0", fields)
            self._schemas[origin] = [_described(field) for field in found]
        return self._schemas[origin]

    def _ask(self, sql: str, read: Callable[[Any], Any] = pl.DataFrame) -> Any:
        """What `read` makes of the Arrow stream that answers `sql`."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                return read(cursor.fetch_arrow())
            except self._failures as error:
                state = getattr(error, "sqlstate", None) or ""
                raise self._guard.told(error, reached=bool(state) and state[:2] not in {"08", "57"}) from None


class _Rows:
    """What databases share whose drivers give Python values."""

    _guard: Guard

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """Only the values tell."""
        del origin
        return None

    def _page(
        self,
        names: list[str],
        rows: list[tuple[Any, ...]],
        order: Sequence[str],
        kinds: Mapping[str, ColumnType] | None,
    ) -> Page:
        missing_ = [name for name in order if name not in names]
        if missing_:
            seen = f"There is no column `{missing_[0]}` to order by."
            raise SourceError(seen, where=self._guard.where, code="source.columns", allowed=names)
        keys = [tuple(row[names.index(name)] for name in order) for row in rows]
        known = kinds or {}
        found = {name: known.get(name) or kind_of(row[i] for row in rows) for i, name in enumerate(names)}
        return Page(*framed(found, rows, keys))


class SQLite(_Rows):
    """A SQLite file, opened read-only with the standard library."""

    def __init__(self, guard: Guard, base: Path) -> None:
        self._guard = guard
        path = base / unquote(guard.url.split("://", 1)[1].removeprefix("/").split("?")[0])
        try:
            # A reading that is given up is closed by whichever thread collects it; no two threads ever use it at once.
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            self._connection.execute("pragma query_only = on")
        except sqlite3.Error as error:
            raise guard.told(error, reached=True) from None

    def page(
        self, origin: str, order: Sequence[str], bounds: Bounds, limit: int, schema: Mapping[str, ColumnType] | None
    ) -> Page:
        """One query; values are bound, not written."""
        values: list[Any] = []
        where = within_sql([f"q.{identifier(name)}" for name in order], bounds, bound(values, lambda _: "?"))
        ordered = ", ".join(f"q.{identifier(name)}" for name in order)
        sql = f"select * from {origin} q where {where} order by {ordered} limit {limit}"
        names, rows = self._ask(sql, values)
        return self._page(names, rows, order, schema)

    def count(self, origin: str, where: str, order: Sequence[str], bounds: Bounds) -> int:
        """Counted by SQLite."""
        values: list[Any] = []
        within = within_sql([f"q.{identifier(name)}" for name in order], bounds, bound(values, lambda _: "?"))
        return int(self._ask(f"select count(*) from {origin} q where ({where}) and {within}", values)[1][0][0])

    def quote(self, name: str) -> str:
        """In double quotes."""
        return identifier(name)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _ask(self, sql: str, values: list[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            cursor = self._connection.execute(sql, values)
            return [one[0] for one in cursor.description], cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._guard.told(error, reached=True) from None


class Alchemy(_Rows):
    """MariaDB, MySQL and every other database that SQLAlchemy has a dialect for; slower, by rows."""

    def __init__(self, guard: Guard) -> None:
        try:
            import sqlalchemy
        except ImportError as error:
            raise missing("This database", guard.where) from error
        self._guard = guard
        scheme, rest = guard.url.split("://", 1)
        url = f"{'mysql+pymysql' if scheme in {'mysql', 'mariadb'} else scheme}://{rest}"
        try:
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        except (ImportError, sqlalchemy.exc.ArgumentError) as error:
            raise guard.told(error, reached=True) from None
        try:
            self._connection = self._engine.connect()
            if self._engine.dialect.name in {"mysql", "mariadb"}:
                self._connection.exec_driver_sql("set session transaction read only")
                self._connection.exec_driver_sql("set time_zone = '+00:00'")
                self._connection.commit()
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise guard.told(error, reached=False) from None

    def page(
        self, origin: str, order: Sequence[str], bounds: Bounds, limit: int, schema: Mapping[str, ColumnType] | None
    ) -> Page:
        """One query, limited in the database's own words."""
        names, rows = self._ask("*", origin, "", order, bounds, limit)
        return self._page(names, rows, order, schema)

    def count(self, origin: str, where: str, order: Sequence[str], bounds: Bounds) -> int:
        """Counted by the server."""
        return int(self._ask("count(*)", origin, where, order, bounds, None)[1][0][0])

    def quote(self, name: str) -> str:
        """As the dialect quotes."""
        return str(self._engine.dialect.identifier_preparer.quote_identifier(name))

    def close(self) -> None:
        """End the session."""
        self._connection.close()
        self._engine.dispose()

    def _ask(
        self, what: str, origin: str, where: str, order: Sequence[str], bounds: Bounds, limit: int | None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        import sqlalchemy as sa

        values: list[Any] = []
        names = [f"q.{self.quote(name)}" for name in order]
        within = within_sql(names, bounds, bound(values, lambda n: f":v{n}"))
        query: Any = sa.select(sa.literal_column(what)).select_from(sa.text(f"{literal_sql(origin)} q"))
        query = query.where(sa.text(within).bindparams(**{f"v{n}": value for n, value in enumerate(values)}))
        if where:
            query = query.where(sa.text(literal_sql(where)))
        if limit is not None:
            query = query.order_by(*(sa.text(name) for name in names)).limit(limit)
        try:
            result = self._connection.execute(query)
            found = list(result.keys()), [tuple(row) for row in result]
            self._connection.rollback()
        except sa.exc.DBAPIError as error:
            raise self._guard.told(error.orig or error, reached=not error.connection_invalidated) from None
        return found


def missing(what: str, where: str) -> MissingExtraError:
    """The error of an absent driver."""
    return MissingExtraError(
        f"{what} needs a driver that is not installed.", where=where, next_step="pip install 'millrace[sql]'"
    )


def _described(field: Any) -> tuple[str, str, ColumnType]:
    """A column of PostgreSQL: name, the expression that selects it, its type."""
    name, stored = field.name, str(field.type).removeprefix("arro3.core.DataType<").split("(")[0].rstrip(">")
    column = f"q.{identifier(name)}"
    extension = (field.metadata or {}).get(b"ARROW:extension:name")
    if (field.metadata or {}).get(b"ADBC:postgresql:typname") == b"numeric":
        return name, f"{column}::float8", "number"
    if extension or not stored.startswith(_NATIVE):
        return name, f"{column}::text", "text"
    starts: tuple[tuple[str, ColumnType], ...] = (
        ("Bool", "boolean"),
        ("Int", "integer"),
        ("UInt", "integer"),
        ("Float", "number"),
        ("Date", "date"),
        ("Timestamp", "datetime"),
    )
    return name, column, next((kind for start, kind in starts if stored.startswith(start)), "text")


def _final(column: pl.Expr, dtype: pl.DataType, kind: ColumnType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(DTYPES[kind])
