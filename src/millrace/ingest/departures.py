"""Rows that leave a table because their source has them no more.

They go at the end of an ingest, in one commit with the position, which forgets what is gone: a row that comes back is
new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.compiling import compile_rules
from millrace.records.batch import Position
from millrace.sources.base import Comparable, Source
from millrace.store.tables import BOOKKEEPING, Snapshot


@dataclass(frozen=True, slots=True)
class Leaving:
    """Which rows leave (`places` are their bookkeeping columns), and how far the source is read once they have."""

    places: pl.DataFrame
    position: Position


def leaving(
    source: object,
    name: str,
    settings: SourceSettings,
    now: Snapshot,
    types: Mapping[str, ColumnType],
    position: Position,
) -> Leaving:
    """What leaves the table `now` of source `name`, whose columns come with `types`, read up to `position`.

    Raises `ProjectFileError` for a source that cannot be compared, `DataError` when more is gone than may be.
    """
    there, position = _comparable(source, name).present(position)
    gone = _absent(now, as_kept(there, name, settings, types))
    _hold(gone.height, now.rows, settings.removable or 0.0, f"sources.{name}")
    return Leaving(gone, position)


def as_kept(keys: pl.DataFrame, name: str, settings: SourceSettings, types: Mapping[str, ColumnType]) -> pl.DataFrame:
    """Keys as a source delivers them, in the form that cleaning gives them in the table."""
    columns = keys.columns
    steps = [(word, _only(said, columns)) for step in settings.clean for word, said in step.items()]
    alone = settings.model_copy(
        update={
            "clean": tuple({word: said} for word, said in steps if said and word != "drop_duplicates"),
            "columns": {column: one for column, one in settings.columns.items() if column in columns},
            "pii": {column: word for column, word in settings.pii.items() if column in columns},
            "required": (),
            "unique": (),
            "references": {},
            "checks": {},
            "keep": "all",
        }
    )
    rules = compile_rules(name, alone, dict(keys.schema), {column: types[column] for column in columns})
    return rules.split(keys, 1).kept.select(columns)


def _comparable(source: object, name: str) -> Comparable:
    if isinstance(source, Source) and isinstance(source, Comparable):
        return source
    raise ProjectFileError(
        "`on_delete` is for sources that can say which rows are still there: tables and queries of a database.",
        where=f"sources.{name}.on_delete",
        code="config.on-delete",
        next_step="leave `on_delete` out",
    )


def _absent(now: Snapshot, there: pl.DataFrame) -> pl.DataFrame:
    """The places of the rows whose key is not among `there`."""
    stored = now.scan().select(*there.columns, *BOOKKEEPING)
    gone = stored.join(there.lazy(), on=there.columns, how="anti", nulls_equal=True)
    return gone.select(BOOKKEEPING).collect(engine="streaming")


def _hold(gone: int, every: int, at_most: float, where: str) -> None:
    if every and gone > at_most * every:
        raise DataError(
            f"{gone:,} of {every:,} rows are gone from the source, more than {at_most:.0%}: none was removed. "
            "What is new was kept.",
            where=f"{where}.on_delete",
            code="data.deletions",
            next_step="if they are truly gone, allow it: `on_delete: {remove: 100%}`",
        )


def _only(said: object, columns: list[str]) -> object:
    """What a cleaning step says of some columns."""
    if isinstance(said, dict):
        return {column: one for column, one in said.items() if column in columns}
    if isinstance(said, list | tuple):
        return [column for column in said if column in columns]
    return said if said == "all" or said in columns else None
