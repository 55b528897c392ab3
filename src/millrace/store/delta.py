"""Delta tables wherever they rest: opened, scanned, and their small files joined.

Only `compact` rewrites files, and it deletes none: what it joined stays for readers of older versions, and for writers
that know only of it (vacuuming beside writers loses rows, https://github.com/delta-io/delta-rs/issues/3645).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from millrace.store.remote import RETRIES

#: A file below this size is small; so many small ones are worth a rewrite, into files of about `_TARGET_BYTES`.
_SMALL_BYTES = 16 << 20
SMALL_FILES = 50
_TARGET_BYTES = 128 << 20

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
    return pl.scan_delta(delta, storage_options={"max_retries": RETRIES})


def compact(delta: DeltaTable, writer: WriterProperties, tell: Callable[[str], None] = lambda _: None) -> int:
    """Join small files once there are `SMALL_FILES` of them, and write a checkpoint; give how many files were joined.

    The rows, their order, the application transactions and older versions stay. When another writer joins or removes
    the same files first, nothing is done: 0.
    """
    sizes = pl.DataFrame(delta.get_add_actions(flatten=True))["size_bytes"]
    if (sizes < _SMALL_BYTES).sum() < SMALL_FILES:
        return 0
    tell("compacting")
    try:
        done = delta.optimize.compact(target_size=_TARGET_BYTES, max_concurrent_tasks=1, writer_properties=writer)
    except CommitFailedError:
        return 0
    tell("compacted")
    delta.create_checkpoint()
    return int(done["numFilesRemoved"])
