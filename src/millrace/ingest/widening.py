"""A table whose column gets a wider type, because the project file states one and the contract lets types evolve.

Delta tables do not widen by themselves here: delta-rs casts what is appended to the old type. So all rows are written
anew, once, in one commit like any other: it has a number and a receipt, the source's position stays, and older versions
keep the type they had. The rows are held in memory meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from millrace.config.contract import agreed
from millrace.config.schema import ColumnType, SourceSettings
from millrace.ingest.contract import stated_type
from millrace.ingest.personal import source_types
from millrace.records.ingestion import Counts
from millrace.sources.column_types import DTYPES
from millrace.store import receipts
from millrace.store.tables import Snapshot, Table

_ORIGIN = "wider columns"
#: In which types every value of a type has its place.
_WIDER: Mapping[ColumnType, frozenset[ColumnType]] = {
    "integer": frozenset({"number", "text"}),
    "number": frozenset({"text"}),
    "boolean": frozenset({"text"}),
    "date": frozenset({"datetime", "text"}),
    "datetime": frozenset({"text"}),
}


def widen(table: Table, settings: SourceSettings, run: str) -> tuple[str, ...]:
    """Give the columns of `table` the wider types that `settings` state; say in words which changed.

    Personal columns are texts in the table already. Raises `RemoteError` when the store refuses to write.
    """
    if agreed(settings.contract).types != "evolve":
        return ()
    while (now := table.snapshot()).number:
        types = source_types(table)
        wider = {
            column: kind
            for column, old in types.items()
            if (kind := stated_type(column, settings)) and kind in _WIDER.get(old, ()) and column not in settings.pii
        }
        if not wider:
            return ()
        if _rewrite(table, now, wider, run):
            return tuple(f"`{column}` was {types[column]} and is {kind}" for column, kind in wider.items())
    return ()


def _rewrite(table: Table, now: Snapshot, wider: Mapping[str, ColumnType], run: str) -> bool:
    """Write all rows anew; False when another writer's commit came first."""
    last = receipts.read(table.store, table.name, now.number)
    receipt = replace(
        last,
        previous=now.number,
        counts=Counts(),
        run=run,
        origin=_ORIGIN,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        reasons={},
        columns={**last.columns, **wider} if last.columns else {},
    )
    number = receipts.number(now.number, {"wider": dict(wider), "counts": receipt.counts})
    receipts.write(table.store, table.name, number, receipt)
    rows = now.scan().with_columns(_held(column, kind, now) for column, kind in wider.items()).collect()
    after = table.replace(now, rows, number, {"run": run, "origin": _ORIGIN, "rules": last.rules})
    return after.number == number


def _held(column: str, kind: ColumnType, now: Snapshot) -> pl.Expr:
    """The column in its new type; a whole number among numbers is written as one."""
    value = pl.col(column).cast(DTYPES[kind])
    return value.str.strip_suffix(".0") if now.schema()[column].is_float() else value
