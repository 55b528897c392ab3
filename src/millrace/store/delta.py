"""Delta tables wherever they rest: opened, scanned, and their small files joined.

Only `compact` rewrites files, and it deletes none: what it joined stays for readers of older versions, and for writers
that know only of it (vacuuming beside writers loses rows, https://github.com/delta-io/delta-rs/issues/3645).
See docs/decisions/2026-11-24-compaction.md.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from millrace.store.remote import RETRIES

#: A file below this size is small; so many small ones are worth a rewrite, into files of about `_TARGET_BYTES`.
_SMALL_BYTES = 16 << 20
SMALL_FILES = 50
_TARGET_BYTES = 128 << 20
#: The property of a table that every compaction changes first.
_CLAIM = "millrace.compaction"

#: How patient deltalake is with an object store.
OPTIONS = {"max_retries": str(RETRIES)}


def opened(at: str, version: int | None = None) -> DeltaTable | None:
    """The table at a path or URL, its newest version unless one is given; None when there is none yet."""
    try:
        return DeltaTable(at, version=version, storage_options=dict(OPTIONS))
    except TableNotFoundError:
        return None


def scanned(delta: DeltaTable) -> pl.LazyFrame:
    """The rows of an opened version, lazily."""
    if delta.table_uri.startswith("file://") and "%" in delta.table_uri:
        return _scanned_here(delta)
    return pl.scan_delta(delta, storage_options={"max_retries": RETRIES})


def _scanned_here(delta: DeltaTable) -> pl.LazyFrame:
    """The same where the name of a folder has a space or the like: delta-rs escapes it as in a URL, Polars does not."""
    schema = pl.Schema(delta.schema())
    files = [unquote(name) for name in delta.file_uris()]
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(files, schema=schema, missing_columns="insert", extra_columns="ignore", glob=False)


def compact(at: str, writer: WriterProperties, tell: Callable[[str], None] = lambda _: None) -> int:
    """Join the small files of the table at `at` once there are `SMALL_FILES` of them; give how many were joined.

    The rows, their order, the application transactions and older versions stay; a checkpoint is written. When another
    writer joins or removes the same files at the same time, nothing is done: 0.
    """
    delta = opened(at)
    if delta is None or (_sizes(delta) < _SMALL_BYTES).sum() < SMALL_FILES:
        return 0
    tell("compacting")
    try:
        # delta-rs lets two compactions of the same files both land, which doubles every row. A change of the table's
        # properties fences off each compaction that opened the table before it, and one that opens it later sees that
        # the last word is not its own: so only the newest to begin can land.
        claim = uuid4().hex
        delta.alter.set_table_properties({_CLAIM: claim}, raise_if_not_exists=False)
        fenced = _newest(at)
        if fenced.metadata().configuration.get(_CLAIM) != claim:
            return 0
        done = fenced.optimize.compact(target_size=_TARGET_BYTES, max_concurrent_tasks=1, writer_properties=writer)
    except CommitFailedError:
        return 0
    tell("compacted")
    _newest(at).create_checkpoint()
    return int(done["numFilesRemoved"])


def _newest(at: str) -> DeltaTable:
    return DeltaTable(at, storage_options=dict(OPTIONS))


def _sizes(delta: DeltaTable) -> pl.Series:
    return pl.DataFrame(delta.get_add_actions(flatten=True))["size_bytes"]
