"""The rows a model learns from: the only source's table, or one SQL query over the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from millrace.config.schema import ProjectSettings
from millrace.errors import DataError, ProjectFileError, nearest
from millrace.store.objects import Store
from millrace.store.tables import BOOKKEEPING, Snapshot, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def dataset(settings: ProjectSettings, store: Store) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows for training, and the version of each table that they came from.

    Without `dataset.sql`: the rows of the only source in the order of their origins. With it: the query's result,
    sorted by all its columns, so that the same tables give the same rows in the same order; whole numbers come as
    Int64, other numbers as Float64. Raises `ProjectFileError` for a query that is missing or wrong, `DataError` where a
    source has no table yet or no row is left.
    """
    sql = (settings.dataset or {}).get("sql")
    tables = {name: Table(store, f"tables/{name}") for name in settings.sources}
    now = {name: table.snapshot() for name, table in tables.items()}
    absent = [name for name, snapshot in now.items() if not snapshot.number]
    if absent:
        seen = f"Nothing was ingested yet from {', '.join(absent)}."
        raise DataError(seen, where="dataset", code="data.empty", next_step="millrace ingest")
    versions = {name: snapshot.version for name, snapshot in now.items()}
    rows = _query(sql, now) if sql else tables[next(iter(tables))].read(next(iter(versions.values())))
    if rows.is_empty():
        seen = "Not one row is left for training."
        raise DataError(seen, where="dataset", code="data.empty", next_step="millrace quarantine list")
    return rows, versions


def newest(settings: ProjectSettings, store: Store) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The rows before the newest ingest and those that came with it; None when one of them is empty.

    Only of the single source of a project without `dataset`: a query's rows belong to no one ingest.
    """
    if settings.dataset is not None or len(settings.sources) > 1:
        return None
    rows = Table(store, f"tables/{next(iter(settings.sources))}").read(bookkeeping=True)
    last = pl.col("_run") == pl.col("_run").max()
    before, since = rows.filter(~last).drop(BOOKKEEPING), rows.filter(last).drop(BOOKKEEPING)
    return None if before.is_empty() or since.is_empty() else (before, since)


def _query(sql: str, tables: Mapping[str, Snapshot]) -> pl.DataFrame:
    import duckdb

    with duckdb.connect(config={"enable_external_access": "false", "python_enable_replacements": "false"}) as session:
        wanted = _examine(session, sql, tables)
        for name in wanted:
            session.register(name, _Rows(tables[name].scan().select(pl.exclude(BOOKKEEPING)).collect()))
        session.execute("set lock_configuration = true").fetchall()
        try:
            found = pl.DataFrame(session.sql(sql))
        except duckdb.Error as error:
            raise ProjectFileError(str(error), where="dataset.sql", code="config.dataset") from error
    return _plain(found)


class _Rows:
    """A frame as DuckDB takes it without another library: by its Arrow stream alone."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _examine(session: DuckDBPyConnection, sql: str, tables: Mapping[str, Snapshot]) -> set[str]:
    """The tables that `sql` names. Raises `ProjectFileError` unless it is one query over known tables."""
    ((text,),) = session.execute("select json_serialize_sql(?::varchar)", [sql]).fetchall()
    tree = json.loads(text)
    if tree.get("error", True):
        raise _refuse(f"{tree.get('error_message', 'not understood')}{_mark(sql, tree.get('position'))}")
    if len(tree["statements"]) != 1:
        raise _refuse(f"There are {len(tree['statements'])} statements.")
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
    return wanted


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
    )
    return plain.sort(pl.all(), maintain_order=True)
