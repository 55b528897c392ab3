"""Rows whose time is over leave the table and the quarantine; old versions go when their time is over too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from millrace.config.schema import RetainSettings, SourceSettings
from millrace.errors import ProjectFileError, nearest
from millrace.store.objects import Store
from millrace.store.prediction_log import FEEDBACK, PREDICTIONS
from millrace.store.removal import is_due, noted_removal, purge, remove_where, settled
from millrace.store.tables import Table


def tidy(source: str, settings: SourceSettings, store: Store, now: datetime) -> dict[str, int]:
    """Remove what `retain` no longer keeps, and the old versions that removals left behind; give the rows by table.

    `now` is aware. Raises `ProjectFileError` for a column that holds no time, `RemoteError` when the store refuses.
    """
    removed = expire(source, settings.retain, store, now) if settings.retain else {}
    if any(removed.values()):
        noted_removal(store, source, now)
    if is_due(store, source, now):
        for key in keys(store, source):
            purge(store, key)
        settled(store, source, now)
    return removed


def expire(source: str, retain: RetainSettings, store: Store, now: datetime) -> dict[str, int]:
    """Remove rows older than `retain` says: of the table by its column or by ingest, of the quarantine by ingest."""
    table, since = Table(store, f"tables/{source}"), now - timedelta(seconds=retain.for_)
    snapshot = table.snapshot()
    if snapshot.delta is None:
        return {}
    if retain.by is None:
        old = f"\"_run\" < '{since:%Y%m%dT%H%M%S}'"
        held = pl.col("_run") < f"{since:%Y%m%dT%H%M%S}"
    else:
        whole_days = _temporal(retain.by, snapshot.schema(), source) == pl.Date
        limit = f"date '{since:%Y-%m-%d}'" if whole_days else f"timestamp '{since:%Y-%m-%d %H:%M:%S}'"
        old = f'"{retain.by}" < {limit}'
        held = pl.col(retain.by).cast(pl.Datetime("us")) < since.replace(tzinfo=None)
    removed = {table.key: _removed(store, table.key, held, old)}
    at = since.isoformat(timespec="milliseconds")
    refused = f"quarantine/{source}"
    return removed | {refused: _removed(store, refused, pl.col("_at") < at, f"\"_at\" < '{at}'")}


def check_column(retain: RetainSettings | None, columns: Mapping[str, pl.DataType], source: str) -> None:
    """Raise `ProjectFileError` where `retain` goes by what is no time column."""
    if retain and retain.by is not None:
        _temporal(retain.by, columns, source)


def keys(store: Store, source: str) -> list[str]:
    """The tables that may hold rows of a source in one of their versions."""
    datasets = sorted({"/".join(key.split("/")[:2]) for key in store.keys("datasets")})
    return [f"tables/{source}", f"quarantine/{source}", PREDICTIONS, FEEDBACK, *datasets]


def _removed(store: Store, key: str, held: pl.Expr, predicate: str) -> int:
    """Delete only where there is something to delete: every deletion makes a version."""
    now = Table(store, key).snapshot()
    if now.delta is None or not now.scan().filter(held).head(1).collect().height:
        return 0
    return remove_where(store, key, predicate, "retain")


def _temporal(column: str, schema: Mapping[str, pl.DataType], source: str) -> pl.DataType:
    times = [name for name, dtype in schema.items() if dtype.is_temporal()]
    if column not in times:
        raise ProjectFileError(
            f"`{column}` is not a date or time of this table.",
            where=f"sources.{source}.retain.by",
            code="config.unknown-column",
            allowed=times,
            nearest=nearest(column, times),
        )
    return schema[column]
