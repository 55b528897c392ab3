"""The rows a model learns from: the only source's table, or the answer to one SQL query over the tables."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import polars as pl

from millrace.config.schema import ProjectSettings
from millrace.errors import DataError
from millrace.ingest.query import Query
from millrace.records.dataset import Dataset
from millrace.store import datasets
from millrace.store.datasets import Recipe
from millrace.store.objects import Store
from millrace.store.tables import BOOKKEEPING, Snapshot, Table

#: Files that are compared with each other, and rows of each.
_FILES = 12
_ROWS_OF_A_FILE = 20_000


def dataset(settings: ProjectSettings, store: Store) -> tuple[pl.DataFrame, Dataset]:
    """The rows for training, and the version of the table that they were read from.

    Without `dataset.sql`: the rows of the only source in the order of their origins. With it: the query's result as a
    new version of ``datasets/<project>``, sorted by all its columns, whole numbers as Int64, other numbers as Float64;
    the same query over the same versions is answered from the version it made before. Raises `ProjectFileError` for a
    query that is missing or wrong, `DataError` where a source has no table yet or no row is left.
    """
    now = {name: Table(store, f"tables/{name}").snapshot() for name in settings.sources}
    absent = [name for name, snapshot in now.items() if not snapshot.number]
    if absent:
        seen = f"Nothing was ingested yet from {', '.join(absent)}."
        raise DataError(seen, where="dataset", code="data.empty", next_step="millrace ingest")
    sql = (settings.dataset or {}).get("sql")
    if sql:
        return _materialised(store, settings.project or "dataset", sql, now)
    ((name, snapshot),) = now.items()
    rows = _some(Table(store, f"tables/{name}").read(snapshot.version))
    return rows, Dataset(f"tables/{name}", snapshot.version, {name: snapshot.version}, rows.height)


def by_file(settings: ProjectSettings, store: Store) -> dict[str, pl.DataFrame]:
    """Rows of each file of the single source of a project, at most 20,000 of each and of the twelve newest files."""
    if settings.dataset is not None or len(settings.sources) > 1:
        return {}
    rows = Table(store, f"tables/{next(iter(settings.sources))}").snapshot().scan()
    newest_files = rows.group_by("_origin").agg(pl.col("_run").max()).sort("_run", "_origin").tail(_FILES).collect()
    kept = rows.filter(pl.col("_origin").is_in(newest_files["_origin"].to_list()))
    # The first rows of a file may be its oldest: every so-manieth one stands for all.
    every = (pl.len().over("_origin") // _ROWS_OF_A_FILE + 1).cast(pl.Int64)
    sample = kept.filter(pl.col("_row") % every == 0).collect()
    parts = sample.partition_by("_origin", as_dict=True, maintain_order=True)
    return {str(name): part.drop(BOOKKEEPING) for (name,), part in parts.items()}


def _materialised(store: Store, name: str, sql: str, now: Mapping[str, Snapshot]) -> tuple[pl.DataFrame, Dataset]:
    """The query's result, read from the version of the dataset that it is."""
    query = Query(sql, tuple(now))
    recipe = Recipe(sql, {table: now[table].version for table in query.tables})
    if query.settled and (known := _made(store, name, recipe)) is not None:
        return known
    rows = _some(query.answer({table: now[table].scan() for table in query.tables}))
    if not query.settled:
        recipe = replace(recipe, content=f"{rows.hash_rows(seed=0).sum():016x}")
        if (known := _made(store, name, recipe)) is not None:
            return known
    made = datasets.write(store, name, recipe, rows)
    return datasets.read(store, made), made


def _made(store: Store, name: str, recipe: Recipe) -> tuple[pl.DataFrame, Dataset] | None:
    """What `recipe` made before, unless its rows are no longer kept."""
    made = datasets.find(store, name, recipe)
    if made is not None:
        with suppress(DataError):
            return datasets.read(store, made), made
    return None


def _some(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        seen = "Not one row is left for training."
        raise DataError(seen, where="dataset", code="data.empty", next_step="millrace quarantine list")
    return rows


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
