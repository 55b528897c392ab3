"""One SQL query over tables, answered by a DuckDB that reaches nothing else.

A project file may come from a stranger: the query reads no file, no network, no variable of this process, and writes
nothing. Only a select statement is taken, only over the tables given, and the settings are locked before it runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import arro3.core
import polars as pl
import polars.selectors as cs

from millrace.errors import ProjectFileError, nearest
from millrace.store.tables import BOOKKEEPING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Types of DuckDB that are one value a row.
_HELD = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
        *("FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN", "VARCHAR", "ENUM", "UUID", "DATE"),
        *("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", '"NULL"'),
    }
)
#: Read like columns, these are the time of the query.
_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
#: What to write in the place of others.
_INSTEAD = {"INTERVAL": "extract(epoch from …) gives its seconds", "TIME": "extract(epoch from …) gives its seconds"}


class Query:
    """A query that was understood: `tables` are those that it names, of the `known` ones.

    `settled` says whether the same tables always give the same answer: nothing is drawn at random, no clock is read.
    Raises `ProjectFileError` unless it is one select statement over known tables.
    """

    def __init__(self, sql: str, known: Collection[str]) -> None:
        self.sql = sql
        with closing(_session()) as session:
            tree = _parsed(session, sql)
            self.tables = _tables(tree, sql, known)
            self.settled = _settled(session, tree)

    def answer(self, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
        """The query's result, sorted by all its columns, in the types that tables hold.

        Raises `ProjectFileError` where DuckDB cannot answer, or a column holds more than one value a row.
        """
        import duckdb

        with closing(_session()) as session:
            for name in self.tables:
                session.register(name, _Rows(tables[name].select(pl.exclude(BOOKKEEPING)).collect()))
            session.execute("set lock_configuration = true").fetchall()
            try:
                relation = session.sql(self.sql)
                _single_values(dict(zip(relation.columns, map(str, relation.types), strict=True)))
                # Polars alone never lets go of DuckDB's stream, which is then told at the end of the process.
                found = pl.DataFrame(arro3.core.Table.from_arrow(relation))
            except duckdb.Error as error:
                raise ProjectFileError(str(error), where="dataset.sql", code="config.dataset") from error
        return _plain(found)


def _session() -> DuckDBPyConnection:
    """A DuckDB that reaches no file, no network and no variable of this process."""
    import duckdb

    return duckdb.connect(config={"enable_external_access": "false", "python_enable_replacements": "false"})


def _single_values(types: Mapping[str, str]) -> None:
    """Raise `ProjectFileError` for a column whose values no table holds one by one."""
    taken = [name for name in types if name.casefold() in BOOKKEEPING]
    if taken:
        seen = f"`{taken[0]}` is a name that Millrace keeps for itself."
        step = f"call it {taken[0].strip('_')}"
        raise ProjectFileError(seen, where="dataset.sql", code="config.dataset", next_step=step)
    for name, kind in types.items():
        if kind.partition("(")[0] not in _HELD or kind.endswith("]"):
            seen = f"The column `{name}` is {kind}, which a table cannot hold as one value a row."
            allowed = ["numbers", "texts", "booleans", "dates", "timestamps"]
            step = _INSTEAD.get(kind.partition("(")[0], "name its parts one by one, or cast it to varchar")
            raise ProjectFileError(seen, where="dataset.sql", code="config.dataset", allowed=allowed, next_step=step)


class _Rows:
    """A frame as DuckDB takes it without another library: by its Arrow stream alone."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _parsed(session: DuckDBPyConnection, sql: str) -> Mapping[str, Any]:
    """The syntax tree of `sql`. Raises `ProjectFileError` unless it is one query."""
    ((text,),) = session.execute("select json_serialize_sql(?::varchar)", [sql]).fetchall()
    tree: dict[str, Any] = json.loads(text)
    if tree.get("error", True):
        raise _refuse(f"{tree.get('error_message', 'not understood')}{_mark(sql, tree.get('position'))}")
    if len(tree["statements"]) != 1:
        raise _refuse(f"There are {len(tree['statements'])} statements.")
    return tree


def _tables(tree: Mapping[str, Any], sql: str, tables: Collection[str]) -> tuple[str, ...]:
    """The tables that a query names. Raises `ProjectFileError` where one is not known."""
    nodes = list(_nodes(tree))
    known = {name.casefold(): name for name in tables}
    inside = {str(entry["key"]).casefold() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    wanted: set[str] = set()
    for node in nodes:
        if node.get("type") != "BASE_TABLE" or (name := str(node["table_name"])).casefold() in inside:
            continue
        if name.casefold() not in known:
            seen = f"There is no table `{name}`{_mark(sql, node['query_location'])}"
            guess = nearest(name, tables)
            raise ProjectFileError(seen, where="dataset.sql", code="config.dataset", allowed=tables, nearest=guess)
        wanted.add(known[name.casefold()])
    return tuple(sorted(wanted))


def _settled(session: DuckDBPyConnection, tree: Mapping[str, Any]) -> bool:
    """Whether the same tables always give the same answer: nothing is drawn at random, no clock is read."""
    moving = "select function_name from duckdb_functions() where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
    unsettled = {str(name) for (name,) in session.execute(moving).fetchall()} | _CLOCKS
    for node in _nodes(tree):
        called = {str(node.get("function_name", "")).casefold(), *map(str.casefold, node.get("column_names") or ())}
        if called & unsettled or (node.get("sample") or {}).get("seed", 0) == -1:
            return False
    return True


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, Mapping):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _mark(sql: str, position: object) -> str:
    """Where in `sql` the character at `position` is, for people."""
    if position is None or not str(position).isdigit() or int(str(position)) > len(sql):
        return "."
    before = sql[: int(str(position))]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f" (line {line}, column {column})."


def _refuse(seen: str) -> ProjectFileError:
    return ProjectFileError(seen, where="dataset.sql", code="config.dataset", allowed=["one select statement"])


def _plain(found: pl.DataFrame) -> pl.DataFrame:
    """The query's result in the types that tables hold, in an order that does not depend on threads."""
    zero = [name for name, dtype in found.schema.items() if isinstance(dtype, pl.Decimal) and dtype.scale == 0]
    plain = found.with_columns(pl.col(zero).cast(pl.Int64)).with_columns(
        cs.integer().cast(pl.Int64),
        (cs.float() | cs.decimal()).cast(pl.Float64),
        cs.datetime().dt.replace_time_zone(None).cast(pl.Datetime("us")),
        (cs.categorical() | cs.enum() | cs.by_dtype(pl.Null)).cast(pl.String),
    )
    return plain.sort(pl.all(), maintain_order=True)
