"""The refused rows: where they rest, what they say, and how many of each rule.

Each row rests in ``quarantine/<source>`` with `_run`, `_source`, `_origin`, `_row`, `_rules` (list), `_reasons` (text),
`_raw` (the row as JSON before cleaning, or the line as it was), `_at` (when, ISO 8601) and `_batch`, the number of the
commit it belongs to. Rows are written before that commit, so only those whose commit landed are shown.
"""

from __future__ import annotations

import polars as pl

from millrace.errors import UsageError, nearest
from millrace.records.quarantine import RefusedRule
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt
from millrace.store.tables import Snapshot, Table

_COLUMNS = ("_run", "_source", "_origin", "_row", "_rules", "_reasons", "_raw", "_at", "_batch")


def set_aside(store: Store, source: str, number: int, refused: pl.DataFrame, receipt: Receipt) -> None:
    """Write the rows refused by commit `number`, unless an earlier try of that commit wrote them."""
    table = Table(store, f"quarantine/{source}")
    rows = refused.with_columns(
        pl.lit(receipt.run).alias("_run"),
        pl.lit(source).alias("_source"),
        pl.lit(receipt.origin).alias("_origin"),
        pl.lit(receipt.at).alias("_at"),
        pl.lit(number, dtype=pl.Int64).alias("_batch"),
    ).select(_COLUMNS)
    now = table.snapshot()
    while now.number != number and not _holds(now, number):
        now = table.append(now, rows, number)


def summary(store: Store, source: str | None = None) -> tuple[RefusedRule, ...]:
    """How many rows each rule refused, most first; a row that failed two rules counts for both.

    Raises `UsageError` when `source` was never ingested.
    """
    names = [source] if source else sorted({key.split("/")[1] for key in store.keys("quarantine")})
    found = [RefusedRule(name, *row) for name in names for row in _by_rule(_landed(store, name)).iter_rows()]
    return tuple(sorted(found, key=lambda one: (-one.rows, one.source, one.rule)))


def show(store: Store, source: str, limit: int) -> pl.DataFrame:
    """The newest `limit` refused rows of `source`, the newest commit first.

    Raises `UsageError` when `source` was never ingested.
    """
    rows = _landed(store, source).sort("_batch", "_row", descending=[True, False], maintain_order=True)
    return rows.head(limit).collect()


def _by_rule(rows: pl.LazyFrame) -> pl.DataFrame:
    """Rule, rows, example: the reasons of the first row that failed it."""
    ordered = rows.sort("_batch", "_row").select(pl.col("_rules").alias("rule"), "_reasons")
    grouped = ordered.explode("rule", empty_as_null=True, keep_nulls=True).group_by("rule")
    return grouped.agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("_reasons").first()).collect()


def _landed(store: Store, source: str) -> pl.LazyFrame:
    """The refused rows whose commit took effect."""
    last = Table(store, f"tables/{source}").snapshot().number
    refused = Table(store, f"quarantine/{source}").snapshot()
    if not last:
        known = sorted({key.split("/")[1] for key in store.keys("tables")})
        seen = f"No rows of a source `{source}` were ingested here."
        raise UsageError(seen, where="quarantine", allowed=known, nearest=nearest(source, known))
    if refused.delta is None:
        return pl.LazyFrame(schema={column: pl.String() for column in _COLUMNS})
    landed = sorted(receipts.landed(store, source, last))
    return refused.scan().filter(pl.col("_batch").is_in(landed))


def _holds(refused: Snapshot, number: int) -> bool:
    """Whether the rows of commit `number` are there; the bounds in Delta's log answer without reading the rows."""
    if refused.delta is None:
        return False
    files = pl.DataFrame(refused.delta.get_add_actions(flatten=True))
    if not files.filter(pl.col("min._batch") <= number, pl.col("max._batch") >= number).height:
        return False
    return refused.scan().filter(pl.col("_batch") == number).head(1).collect().height > 0
