"""Encrypted values readable again, for who has the key: the rows of a table, or of a quarantine, in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from millrace.errors import UsageError
from millrace.ingest.quarantine import landed_rows
from millrace.privacy.columns import privacy
from millrace.records.quarantine import Exported
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table

_WRITERS: Mapping[str, Callable[[pl.DataFrame, Path], object]] = MappingProxyType(
    {".csv": pl.DataFrame.write_csv, ".parquet": pl.DataFrame.write_parquet, ".ndjson": pl.DataFrame.write_ndjson}
)


def reveal(source: str, store: Store, to: Path, *, refused: bool = False) -> Exported:
    """Write the rows of `source`, or with `refused` those of its quarantine, with what was encrypted in plain.

    Revealed columns are texts. Raises `UsageError` when nothing of the source is encrypted, was ingested, or the file
    cannot be written, `ProjectFileError` when no key is set, `DataError` when it is another or a value was altered.
    """
    table = Table(store, f"tables/{source}")
    now = table.snapshot()
    if not now.number:
        raise UsageError(f"No rows of `{source}` were ingested here.", where="reveal", next_step="millrace ingest")
    words = receipts.read(store, source, now.number).pii
    if "encrypt" not in words.values():
        told = ", ".join(f"{column}: {word}" for column, word in words.items()) or "no column is in `pii`"
        raise UsageError(f"Nothing of `{source}` is encrypted ({told}), so nothing can be revealed.", where="reveal")
    if to.suffix not in _WRITERS or not to.absolute().parent.is_dir():
        allowed = [f"rows{ending} in a folder that exists" for ending in _WRITERS]
        raise UsageError(f"The rows cannot be written as `{to}`.", where="reveal", allowed=allowed)
    private = privacy(words, os.environ, f"sources.{source}")
    rows = landed_rows(store, source).sort("_batch", "_origin", "_row").collect() if refused else table.read()
    if refused:
        rows = rows.with_columns(pl.col("_rules").list.join("; "))
    _WRITERS[to.suffix](private.reveal(rows), to)
    return Exported(source, rows.height, str(to))
