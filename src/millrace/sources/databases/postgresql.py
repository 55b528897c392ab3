"""PostgreSQL through ADBC: rows arrive as Arrow, and no Python is run per row.

A row's hash is computed by the server (`hashtextextended`, which hash-partitioned tables rely on to stay the same).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from millrace.config.schema import ColumnType
from millrace.sources.column_types import DTYPES
from millrace.sources.databases.base import Ask, Guard, Indexes, Page, absent_sql, missing, origin_sql
from millrace.sources.databases.bounds import within_sql
from millrace.sources.streaming import identifier, quoted

_NATIVE = ("Bool", "Int", "UInt8", "UInt16", "UInt32", "Float", "Date32", "Timestamp", "Utf8", "LargeUtf8")
_SETTINGS = (
    ("default_transaction_read_only", "on"),
    ("timezone", "UTC"),
    ("datestyle", "ISO, YMD"),
    ("standard_conforming_strings", "on"),
)
_TABLES = """
select case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end::text as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and has_table_privilege(c.oid, 'select')
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
order by 1"""
_INDEXES = """
select i.indisprimary, string_agg(a.attname, chr(31) order by k.place)
from pg_index i cross join lateral unnest(i.indkey) with ordinality k(number, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
where i.indrelid = {table}::regclass and k.place <= i.indnkeyatts and i.indpred is null and i.indexprs is null
group by i.indexrelid, i.indisprimary order by i.indexrelid"""
_HASH = "_hash"
#: Types whose values arrive as the server holds them; others are fetched as text where exactness counts.
_EXACT = ("integer", "text", "date", "datetime")
#: States of a session that is gone or was never there: https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = ("08", "57")


class PostgreSQL:
    """One read-only session with a PostgreSQL server."""

    def __init__(self, guard: Guard, base: Path) -> None:
        del base
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
            raise guard.told(error, reached="authentication failed" in str(error)) from None
        for name, value in _SETTINGS:
            self._ask(f"select set_config('{name}', '{value}', false)")

    def tables(self) -> list[str]:
        """Those that this user may read, without their partitions; with the schema where it is not searched."""
        return self._ask(_TABLES)["name"].to_list()  # type: ignore[no-any-return]

    def indexes(self, table: str) -> Indexes:
        """Whole indexes of plain columns, by the system's catalogue."""
        name = ".".join(identifier(part) for part in table.split("."))
        found = self._ask(_INDEXES.format(table=quoted(name)))
        named = [(primary, tuple(names.split(chr(31)))) for primary, names in found.iter_rows()]
        key = next((names for primary, names in named if primary), ())
        return Indexes(key, tuple(names for primary, names in named if not primary))

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """The columns as the server describes them."""
        return {name: kind for name, _, kind in self._described(origin)}

    def page(self, ask: Ask, schema: Mapping[str, ColumnType] | None) -> Page:
        """One query, one Arrow stream."""
        del schema
        described = [one for one in self._described(ask.origin) if not ask.order_only or one[0] in ask.order]
        columns = [f"q.{identifier(name)}" for name in ask.order]
        wanted = [f"{cast} as {identifier(name)}" for name, cast, _ in described]
        kinds = {name: kind for name, _, kind in self._described(ask.origin)}
        inexact = [name for name in ask.order if kinds.get(name) not in _EXACT]
        wanted += [f"q.{identifier(name)}::text as {identifier(f'_exact_{name}')}" for name in inexact]
        known = " || chr(31) || ".join(f"{column}::text" for column in columns) or "''"
        wanted.append(f'hashtextextended(({known}) collate "C", 0) as {_HASH}')
        sql = (
            f"select {', '.join(wanted)} from {ask.origin} q where {within_sql(columns, ask.bounds, quoted, rows=True)}"
        )
        ordered = f" order by {', '.join(columns)}" if columns else ""
        frame = self._ask(f"{sql}{ordered} limit {ask.limit} offset {ask.skip}")
        placed = frame.select(f"_exact_{name}" if name in inexact else name for name in ask.order)
        hashes = frame[_HASH].reinterpret(signed=False)
        typed = frame.select(_final(pl.col(name), frame.schema[name], kind) for name, _, kind in described)
        return Page(typed, hashes, lambda at: tuple(_text(value) for value in placed.row(at)))

    def absent(self, ask: Ask) -> int:
        """Counted by the server."""
        where = absent_sql(self.quote, ask.order)
        within = within_sql([f"q.{identifier(name)}" for name in ask.order], ask.bounds, quoted, rows=True)
        return int(self._ask(f"select count(*) as n from {ask.origin} q where ({where}) and {within}").item())

    def origin(self, table: str | None, query: str | None) -> str:
        """As SQL names it."""
        return origin_sql(self.quote, table, query)

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
                raise self._guard.told(error, reached=bool(state) and state[:2] not in _GONE) from None


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


def _text(value: Any) -> str:
    """A value as the server reads it back; moments with a zone come in the session's, which is UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return str(value)


def _final(column: pl.Expr, dtype: pl.DataType, kind: ColumnType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(DTYPES[kind])
