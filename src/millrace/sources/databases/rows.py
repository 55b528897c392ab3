"""Databases whose drivers give Python values row by row: SQLite, and whatever SQLAlchemy has a dialect for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from millrace.config.schema import ColumnType
from millrace.errors import SourceError, nearest
from millrace.sources.databases.base import Ask, Guard, Indexes, Page, absent_sql, missing, origin_sql
from millrace.sources.databases.bounds import bound, literal_sql, within_sql
from millrace.sources.databases.python_values import framed, kind_of, packed
from millrace.sources.streaming import identifier

#: What makes a session read-only, by dialect. Whatever a dialect not listed may be led to write is rolled back.
_READ_ONLY: Mapping[str, Sequence[str]] = {
    "mysql": ("set session transaction read only", "set time_zone = '+00:00'"),
    "mariadb": ("set session transaction read only", "set time_zone = '+00:00'"),
    "postgresql": ("set session characteristics as transaction read only", "set time zone 'UTC'"),
    "sqlite": ("pragma query_only = on",),
}
#: Dialects that go to the place of a row in an index by ``(a, b) > (x, y)``. MariaDB and MySQL understand it, and read
#: the whole index: https://dev.mysql.com/doc/refman/8.4/en/row-constructor-optimization.html
_COMPARE_ROWS = ("cockroachdb", "duckdb", "postgresql", "sqlite")
_SQLITE_TABLES = """
select name from sqlite_schema where type in ('table', 'view') and substr(name, 1, 7) <> 'sqlite_' order by name"""
#: Whole indexes of plain columns, besides the primary key's.
_SQLITE_INDEXES = """
select l.name, c.name from pragma_index_list(?) l join pragma_index_info(l.name) c
where not l.partial and l.origin <> 'pk' and not exists (select 1 from pragma_index_info(l.name) where cid < 0)
order by l.seq, c.seqno"""
#: Codes by which MariaDB and MySQL say that they were reached: access denied (to the database), no such database.
_REFUSED_BY_MYSQL = (1044, 1045, 1049)


class _Rows:
    """What databases share whose drivers give Python values."""

    _guard: Guard

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """Only the values tell."""
        del origin
        return None

    def page(self, ask: Ask, schema: Mapping[str, ColumnType] | None) -> Page:
        """One query; values are bound, not written."""
        what = ", ".join(f"q.{self.quote(name)}" for name in ask.order) if ask.order_only else "*"
        names, rows = self._ask(what, ask, "1 = 1")
        names = list(ask.order) if ask.order_only else names
        for name in ask.order:
            if name not in names:
                raise SourceError(
                    f"There is no column `{name}` to order by.",
                    where=self._guard.where,
                    code="source.columns",
                    allowed=names,
                    nearest=nearest(name, names),
                )
        places = [names.index(name) for name in ask.order]
        keys = [tuple(row[at] for at in places) for row in rows]
        return paged(names, rows, keys, ask, schema)

    def absent(self, ask: Ask) -> int:
        """Counted by the server."""
        return int(self._ask("count(*)", ask, absent_sql(self.quote, ask.order))[1][0][0])

    def origin(self, table: str | None, query: str | None) -> str:
        """As SQL names it."""
        return origin_sql(self.quote, table, query)

    def quote(self, name: str) -> str:
        """As the dialect quotes."""
        raise NotImplementedError

    def _ask(self, what: str, ask: Ask, where: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names and rows that answer ``select what``; ordered where a limit is asked for."""
        raise NotImplementedError


def paged(
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    keys: Sequence[tuple[Any, ...]],
    ask: Ask,
    schema: Mapping[str, ColumnType] | None,
) -> Page:
    """Rows of Python values under `names`, of which `keys` are the places in the order asked for."""
    known = schema or {}
    kinds: dict[str, ColumnType] = {}
    for i, name in enumerate(names):
        raw = name in ask.stated and any(isinstance(row[i], str) for row in rows)
        kinds[name] = "text" if raw else known.get(name) or kind_of(row[i] for row in rows)
    frame, odd = framed(kinds, rows)
    hashes = pl.Series([_hash(key) for key in keys], dtype=pl.UInt64)
    return Page(frame, hashes, keys.__getitem__, odd)


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

    def tables(self) -> list[str]:
        """Those of the file."""
        return [row[0] for row in self._answer(_SQLITE_TABLES)[1]]

    def indexes(self, table: str) -> Indexes:
        """By the pragmas of the schema."""
        key = self._answer("select name from pragma_table_info(?) where pk > 0 order by pk", [table])[1]
        found: dict[str, tuple[str, ...]] = {}
        for index, column in self._answer(_SQLITE_INDEXES, [table])[1]:
            found[index] = (*found.get(index, ()), column)
        return Indexes(tuple(row[0] for row in key), tuple(found.values()))

    def quote(self, name: str) -> str:
        """In double quotes."""
        return identifier(name)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _ask(self, what: str, ask: Ask, where: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        values: list[Any] = []
        columns = [f"q.{identifier(name)}" for name in ask.order]
        within = within_sql(columns, ask.bounds, bound(values, lambda _: "?"), rows=True)
        sql = f"select {what} from {ask.origin} q where ({where}) and {within}"
        if ask.limit is not None:
            sql += f" order by {', '.join(columns)}" if columns else ""
            sql += f" limit {ask.limit} offset {ask.skip}"
        return self._answer(sql, values)

    def _answer(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            cursor = self._connection.execute(sql, values)
            return [one[0] for one in cursor.description], cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._guard.told(error, reached=True) from None


class Alchemy(_Rows):
    """MariaDB, MySQL and every other database that SQLAlchemy has a dialect for; slower, by rows."""

    def __init__(self, guard: Guard, base: Path) -> None:
        try:
            import sqlalchemy
        except ImportError as error:
            raise missing("This database", guard.where) from error
        self._guard = guard
        try:
            self._engine = sqlalchemy.create_engine(_url(guard.url, base), poolclass=sqlalchemy.pool.NullPool)
        except (ImportError, sqlalchemy.exc.ArgumentError, ValueError) as error:
            raise guard.told(error, reached=True) from None
        try:
            self._connection = self._engine.connect()
            for statement in _READ_ONLY.get(self._engine.dialect.name, ()):
                self._connection.exec_driver_sql(statement)
            self._connection.commit()
        except sqlalchemy.exc.SQLAlchemyError as error:
            told = getattr(error, "orig", None) or error
            raise guard.told(told, reached=bool(told.args) and told.args[0] in _REFUSED_BY_MYSQL) from None

    def tables(self) -> list[str]:
        """Those of the database that the URL names."""
        import sqlalchemy

        with self._told():
            catalogue = sqlalchemy.inspect(self._connection)
            return sorted([*catalogue.get_table_names(), *catalogue.get_view_names()])

    def indexes(self, table: str) -> Indexes:
        """As the dialect tells them."""
        import sqlalchemy

        schema, _, name = table.rpartition(".")
        with self._told():
            catalogue = sqlalchemy.inspect(self._connection)
            key = catalogue.get_pk_constraint(name, schema or None)["constrained_columns"]
            found = [index["column_names"] for index in catalogue.get_indexes(name, schema or None)]
        return Indexes(tuple(key), tuple(tuple(str(column) for column in one) for one in found if None not in one))

    def quote(self, name: str) -> str:
        """As the dialect quotes."""
        return str(self._engine.dialect.identifier_preparer.quote_identifier(name))

    def close(self) -> None:
        """End the session."""
        self._connection.close()
        self._engine.dispose()

    def _ask(self, what: str, ask: Ask, where: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        import sqlalchemy as sa

        values: list[Any] = []
        names = [f"q.{self.quote(name)}" for name in ask.order]
        rows = self._engine.dialect.name in _COMPARE_ROWS
        within = within_sql(names, ask.bounds, bound(values, lambda n: f":v{n}"), rows=rows)
        query: Any = sa.select(sa.text(literal_sql(what))).select_from(sa.text(f"{literal_sql(ask.origin)} q"))
        query = query.where(sa.text(within).bindparams(**{f"v{n}": value for n, value in enumerate(values)}))
        query = query.where(sa.text(literal_sql(where)))
        if ask.limit is not None:
            query = query.order_by(*(sa.text(name) for name in names)).limit(ask.limit)
            query = query.offset(ask.skip) if ask.skip else query
        with self._told():
            result = self._connection.execute(query)
            columns = [str(name) for name in result.keys()]  # noqa: SIM118 - it iterates over rows
            return columns, [tuple(row) for row in result]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever was led to be written is rolled back, and failures are told."""
        import sqlalchemy as sa

        try:
            yield
            self._connection.rollback()
        except sa.exc.DBAPIError as error:
            raise self._guard.told(error.orig or error, reached=not error.connection_invalidated) from None
        except sa.exc.SQLAlchemyError as error:
            raise self._guard.told(error, reached=True) from None


def _hash(order: tuple[Any, ...]) -> int:
    text = json.dumps([packed(value) for value in order])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _url(url: str, base: Path) -> Any:
    """`url` with the default driver of its dialect, and a file of SQLite opened read-only."""
    import sqlalchemy

    scheme, rest = url.split("://", 1)
    made = sqlalchemy.make_url(f"{'mysql+pymysql' if scheme in {'mysql', 'mariadb'} else scheme}://{rest}")
    if made.get_backend_name() == "sqlite" and made.database:
        path = (base / made.database).absolute().as_uri()
        made = made.set(database=path).update_query_dict({"mode": "ro", "uri": "true"})
    return made
