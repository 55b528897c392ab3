"""Rows that leave a Delta table for good: out of the newest version at once, out of its history when that is over.

A deletion never names values: the log would keep them. Old versions stay readable for `KEPT_HOURS`; then their files
go, and the log that holds their smallest and largest values is cut behind a checkpoint. Only files that the log says
were removed are taken, and files that no version names and that are older than `KEPT_HOURS`: what another writer is
about to commit is neither (https://github.com/delta-io/delta-rs/issues/3645).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from millrace.errors import RemoteError
from millrace.store.delta import OPTIONS, opened
from millrace.store.objects import Store
from millrace.store.remote import said

#: So long the versions before a removal can be read.
KEPT_HOURS = 7 * 24
_LOG = "delta.logRetentionDuration"
_TRIES = 5
_AT_ONCE = 1000


def remove(store: Store, key: str, rows: pl.DataFrame, why: str, only: str = "") -> int:
    """Remove from the table at `key` the rows that have the values of a row of `rows` in its columns; give how many.

    These columns place rows without telling anything of them, such as `_row`; null matches null. `only` is an SQL
    condition that they must fulfil too; `why` is noted with the commit. Raises `RemoteError` when the store refuses, or
    other writers are faster again and again.
    """
    done = 0
    for part in rows.unique().iter_slices(_AT_ONCE):
        any_of = " or ".join(_same(row) for row in part.iter_rows(named=True))
        done += _delete(store, key, f"({any_of}) and {only}" if only else any_of, why)
    return done


def remove_where(store: Store, key: str, predicate: str, why: str) -> int:
    """Remove the rows of which `predicate`, an SQL expression without personal values, is true; give how many."""
    return _delete(store, key, predicate, why)


def purge(store: Store, key: str, hours: int = KEPT_HOURS) -> int:
    """Delete what only versions older than `hours` need; give how many files. Raises `RemoteError`."""
    try:
        delta = opened(store.at(key))
        if delta is None:
            return 0
        gone = delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
        _cut_log(store.at(key), hours)
        forgotten = _forgotten(store, key)
        store.delete(forgotten)
    except (DeltaError, OSError) as error:
        raise RemoteError(f"Old versions could not be removed: {said(error)}.", where=key) from error
    return len(gone) + len(forgotten)


def noted_removal(store: Store, source: str, at: datetime) -> None:
    """Note that rows of a source were removed at a time (aware), so that old versions become due later."""
    hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    store.write(_removals(source), msgspec.json.encode(sorted({*_noted(store, source), hour})))


def is_due(store: Store, source: str, now: datetime) -> bool:
    """Whether old versions of rows that were removed from a source may be deleted."""
    return any(_over(at, now) for at in _noted(store, source))


def settled(store: Store, source: str, now: datetime) -> None:
    """Note that all that was due is deleted."""
    waiting = [at for at in _noted(store, source) if not _over(at, now)]
    store.write(_removals(source), msgspec.json.encode(waiting))


def _over(at: datetime, now: datetime) -> bool:
    return at + timedelta(hours=KEPT_HOURS) <= now


def _noted(store: Store, source: str) -> list[datetime]:
    return msgspec.json.decode(store.read(_removals(source)) or b"[]", type=list[datetime])


def _removals(source: str) -> str:
    return f"removals/{source}.json"


def _forgotten(store: Store, key: str) -> list[str]:
    """Files of rows that no version names any more, too old to be part of a commit that is still to come."""
    found = store.older(key, datetime.now(UTC) - timedelta(hours=KEPT_HOURS))
    known = {uri.rsplit("/", 1)[1] for uri in _newest(store.at(key)).file_uris()}
    return [name for name in found if f"{key}/_" not in name and name.rsplit("/", 1)[1] not in known]


def _delete(store: Store, key: str, predicate: str, why: str) -> int:
    for _ in range(_TRIES):
        try:
            delta = opened(store.at(key))
            if delta is None:
                return 0
            done = delta.delete(predicate, commit_properties=CommitProperties(custom_metadata={"why": why}))
            return int(done.get("num_deleted_rows") or 0)
        except CommitFailedError as error:
            failure: Exception = error
        except (DeltaError, OSError) as error:
            failure = error
            break
    raise RemoteError(
        f"The rows could not be removed: {said(failure)}.", where=key, next_step="run the same command again"
    )


def _cut_log(at: str, hours: int) -> None:
    """Write a checkpoint, and remove the entries of the log before it that are older than `hours`."""
    _keep_log(at, hours)
    _newest(at).create_checkpoint()
    _newest(at).cleanup_metadata()
    _keep_log(at, KEPT_HOURS)


def _keep_log(at: str, hours: int) -> None:
    wanted = f"interval {hours} hours"
    if (delta := _newest(at)).metadata().configuration.get(_LOG) != wanted:
        delta.alter.set_table_properties({_LOG: wanted}, raise_if_not_exists=False)


def _newest(at: str) -> DeltaTable:
    return DeltaTable(at, storage_options=dict(OPTIONS))


def _same(row: Mapping[str, object]) -> str:
    return "(" + " and ".join(f'"{name}" {_equals(value)}' for name, value in row.items()) + ")"


def _equals(value: object) -> str:
    if value is None:
        return "is null"
    return f"= {value}" if isinstance(value, int) else "= '" + str(value).replace("'", "''") + "'"
