"""The refused rows: where they rest, what they say, and how many of each rule.

Each row rests in ``quarantine/<source>`` with `_run`, `_source`, `_origin`, `_row`, `_rules` (list), `_reasons` (text),
`_raw` (the row as JSON before cleaning, or the line as it was), `_at` (when, ISO 8601) and `_batch`, the number of the
commit it belongs to. Rows are written before that commit, so only those whose commit landed are shown. Rows that a
replay moved into the table are named in ``replayed/<source>`` by `_of`, `_origin` and `_row`, with the number of that
replay; older ones without `_origin`, which were of commits of one origin each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from millrace.errors import UsageError, nearest
from millrace.ingest.built_in import UNREADABLE
from millrace.records.quarantine import Exported, RefusedRule
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt
from millrace.store.tables import Snapshot, Table

_COLUMNS = ("_run", "_source", "_origin", "_row", "_rules", "_reasons", "_raw", "_at", "_batch")
#: Where the rows are named that a replay took out.
REPLAYED = "replayed"
_DTYPES = MappingProxyType({"_row": pl.Int64(), "_batch": pl.Int64(), "_rules": pl.List(pl.String())})


def _csv(rows: pl.LazyFrame, path: Path) -> None:
    rows.with_columns(pl.col("_rules").list.join("; ")).sink_csv(path)


_WRITERS: Mapping[str, Callable[[pl.LazyFrame, Path], object]] = MappingProxyType(
    {".csv": _csv, ".parquet": pl.LazyFrame.sink_parquet, ".ndjson": pl.LazyFrame.sink_ndjson}
)


def set_aside(store: Store, source: str, number: int, refused: pl.DataFrame, receipt: Receipt) -> None:
    """Write the rows refused by commit `number`, each with its `_origin`, unless an earlier try of it wrote them."""
    rows = refused.with_columns(
        pl.lit(receipt.run).alias("_run"),
        pl.lit(source).alias("_source"),
        pl.lit(receipt.at).alias("_at"),
        pl.lit(number, dtype=pl.Int64).alias("_batch"),
    ).select(_COLUMNS)
    once(store, f"quarantine/{source}", number, rows)


def once(store: Store, key: str, number: int, rows: pl.DataFrame) -> None:
    """Write what belongs to commit `number` of a source, its `_batch`, unless an earlier try of it did."""
    table = Table(store, key)
    now = table.snapshot()
    while now.number != number and not _holds(now, number):
        now = table.append(now, rows, number)


def summary(store: Store, source: str | None = None) -> tuple[RefusedRule, ...]:
    """How many rows each rule refused, most first; a row that failed two rules counts for both.

    Raises `UsageError` when `source` was never ingested.
    """
    names = [source] if source else sorted({key.split("/")[1] for key in store.keys("quarantine")})
    found = [RefusedRule(name, *row) for name in names for row in _by_rule(landed_rows(store, name)).iter_rows()]
    return tuple(sorted(found, key=lambda one: (-one.rows, one.source, one.rule)))


def show(store: Store, source: str, limit: int, rows: pl.LazyFrame | None = None) -> pl.DataFrame:
    """The newest `limit` refused rows of `source`, or of some of its `rows`, the newest commit first.

    Raises `UsageError` when `source` was never ingested.
    """
    rows = landed_rows(store, source) if rows is None else rows
    rows = rows.sort("_batch", "_origin", "_row", descending=[True, False, False], maintain_order=True)
    return rows.head(limit).collect()


def _by_rule(rows: pl.LazyFrame) -> pl.DataFrame:
    """Rule, rows, example: the reasons of the first row that failed it."""
    ordered = rows.sort("_batch", "_origin", "_row").select(pl.col("_rules").alias("rule"), "_reasons")
    grouped = ordered.explode("rule", empty_as_null=True, keep_nulls=True).group_by("rule")
    return grouped.agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("_reasons").first()).collect()


def export(store: Store, source: str, to: Path, rows: pl.LazyFrame | None = None) -> Exported:
    """Write the refused rows of `source`, or some `rows` of them, oldest first; the ending of `to` says the format.

    Formats are CSV, Parquet and NDJSON. Raises `UsageError` when `source` was never ingested, for another ending, and
    when the folder is not there.
    """
    if to.suffix not in _WRITERS or not to.absolute().parent.is_dir():
        seen = f"The refused rows cannot be written as `{to}`."
        raise UsageError(
            seen, where="quarantine", allowed=[f"rows{ending} in a folder that exists" for ending in _WRITERS]
        )
    kept = (landed_rows(store, source) if rows is None else rows).sort("_batch", "_origin", "_row").collect()
    _WRITERS[to.suffix](kept.lazy(), to)
    return Exported(source, kept.height, str(to))


def landed_rows(store: Store, source: str) -> pl.LazyFrame:
    """The refused rows whose commit took effect, without those that a replay took out.

    Raises `UsageError` when `source` was never ingested.
    """
    last = Table(store, f"tables/{source}").snapshot().number
    refused = Table(store, f"quarantine/{source}").snapshot()
    if not last:
        known = sorted({key.split("/")[1] for key in store.keys("tables")})
        seen = f"No rows of a source `{source}` were ingested here."
        raise UsageError(seen, where="quarantine", allowed=known, nearest=nearest(source, known))
    if refused.delta is None:
        return pl.LazyFrame(schema={column: _DTYPES.get(column, pl.String()) for column in _COLUMNS})
    landed = sorted(receipts.landed(store, source, last))
    rows = refused.scan().filter(pl.col("_batch").is_in(landed))
    replayed = Table(store, f"{REPLAYED}/{source}").snapshot()
    if replayed.delta is None:
        return rows
    left = replayed.scan().filter(pl.col("_batch").is_in(landed)).drop("_batch").rename({"_of": "_batch"})
    named, unnamed = left, left
    if "_origin" in left.collect_schema():
        named, unnamed = left.drop_nulls("_origin"), left.filter(pl.col("_origin").is_null())
    else:
        named = left.with_columns(pl.lit(None, pl.String).alias("_origin")).head(0)
    # An unreadable line is counted by line, a row by row: only rows are replayed.
    line = pl.col("_rules").list.contains(UNREADABLE)
    stayed = rows.filter(~line).join(unnamed, on=["_batch", "_row"], how="anti", maintain_order="left")
    stayed = stayed.join(named, on=["_batch", "_origin", "_row"], how="anti", maintain_order="left")
    return pl.concat([rows.filter(line), stayed])


def _holds(refused: Snapshot, number: int) -> bool:
    """Whether the rows of commit `number` are there; the bounds in Delta's log answer without reading the rows."""
    if refused.delta is None:
        return False
    files = pl.DataFrame(refused.delta.get_add_actions(flatten=True))
    if not files.filter(pl.col("min._batch") <= number, pl.col("max._batch") >= number).height:
        return False
    return refused.scan().filter(pl.col("_batch") == number).head(1).collect().height > 0
