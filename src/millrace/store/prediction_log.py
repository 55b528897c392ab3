"""Every prediction served, and the outcomes that became known later: the Delta tables of the log, filled exactly once.

``log/predictions`` has ``prediction_id``, ``at`` (UTC, µs), ``package``, ``version``, ``label`` (the class's name),
``probabilities`` (in the order of the signature's classes) or ``value``, and the inputs under their names: number,
integer as Float64, boolean, date, datetime as themselves, the rest as String. An input whose name is one of the
former, or whose type changed from one package to another, is kept as ``<name> (<type>)``.
``log/feedback`` has ``prediction_id``, ``outcome`` (text), ``at``.
``log/service`` has what serving processes counted every few seconds: ``at``, ``package``, ``version``, ``requests``,
``failed``, ``latencies`` and their ``bounds`` (seconds), as `records.served.Served` tells.

Serving processes import this module for its records and write segments; polars and deltalake are only loaded by
those who settle and read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from millrace.errors import RemoteError, UsageError
from millrace.records.served import Served
from millrace.store.log_entries import Opening, Outcome, Predicted
from millrace.store.objects import Store
from millrace.store.remote import said
from millrace.store.segments import SEAL_SECONDS, discard, growing, number, records, sealed, workers

if TYPE_CHECKING:
    import polars as pl

PREDICTIONS = "log/predictions"
FEEDBACK = "log/feedback"
SERVICE = "log/service"
_WAL = "log/wal"
#: So many bytes of segments become one commit at most.
_COMMIT_BYTES = 64 * 1024 * 1024
_TRIES = 3
# Made once: to make one takes longer than to read a record.
_opening = msgspec.msgpack.Decoder(Opening)
_entry = msgspec.msgpack.Decoder(Predicted | Outcome | Served)


def wal(store: Store) -> Path:
    """The local folder where serving processes write segments: in the store, or beside a remote one's machine.

    For an object store it is below the user's state folder (``XDG_STATE_HOME``, else ``~/.local/state``), one for each
    store. Raises `UsageError` when that folder cannot be written.
    """
    if store.local:
        return Path(store.at(_WAL))
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    folder = Path(state).expanduser() / "millrace" / hashlib.sha256(store.url.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"The prediction log needs a local folder until it is in the store: {folder} cannot be made ({error}).",
            where="serve.log",
            code="log.folder",
            next_step="set XDG_STATE_HOME to a folder that can be written",
        ) from error
    return folder


def settle(store: Store) -> int:
    """Move every sealed segment into the tables of the log; give the number of records that became rows there.

    Exactly once, whatever dies when: a commit carries, for each worker, the number of its newest segment in it, and a
    segment is deleted only after its commit. Several callers wait for each other.
    """
    folder = wal(store)
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / ".settling", os.O_CREAT | os.O_RDWR, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = sum(_settle(store, segments) for segments in _commits(folder))
        if rows:
            for key in (PREDICTIONS, FEEDBACK, SERVICE):
                _tidy(store, key)
        return rows
    finally:
        os.close(lock)


def predictions(store: Store, since: datetime | None = None) -> pl.DataFrame:
    """Every settled prediction (from `since`, UTC, on), oldest first; settles first all that was answered before."""
    import polars as pl

    _await_sealing(store)
    settle(store)
    frame = _read(store, PREDICTIONS, since)
    if frame is None:
        instant = pl.Datetime("us", "UTC")
        own = {"prediction_id": pl.String(), "at": instant, "package": pl.String(), "version": pl.Int64()}
        answers = {"label": pl.String(), "probabilities": pl.List(pl.Float32), "value": pl.Float32()}
        return pl.DataFrame(schema=own | answers)
    return frame.sort("prediction_id")


def feedback(store: Store) -> pl.DataFrame:
    """Every outcome that was reported, oldest first; settles first all that was answered before."""
    import polars as pl

    _await_sealing(store)
    settle(store)
    frame = _read(store, FEEDBACK)
    if frame is None:
        return pl.DataFrame(schema={"prediction_id": pl.String, "outcome": pl.String, "at": pl.Datetime("us", "UTC")})
    return frame.sort("at", "prediction_id")


def service(store: Store) -> pl.DataFrame:
    """What serving processes counted, oldest first; settles first what is sealed."""
    import polars as pl

    settle(store)
    frame = _read(store, SERVICE)
    if frame is None:
        return pl.DataFrame(
            schema={
                "at": pl.Datetime("us", "UTC"),
                "package": pl.String(),
                "version": pl.Int64(),
                "requests": pl.Int64(),
                "failed": pl.Int64(),
                "latencies": pl.List(pl.Int64),
                "bounds": pl.List(pl.Float64),
            }
        )
    return frame.sort("at")


def _await_sealing(store: Store) -> None:
    """Wait until what is being written now is sealed, so that a reader sees all that was answered before it asked."""
    written_now = [path for worker in workers(wal(store)) for path in growing(worker)]
    deadline = time.monotonic() + 2 * SEAL_SECONDS
    while any(path.exists() for path in written_now) and time.monotonic() < deadline:
        time.sleep(SEAL_SECONDS / 50)


def _commits(folder: Path) -> Iterator[list[Path]]:
    """The sealed segments in groups that become one commit each; of one worker never a later one before an earlier."""
    group: list[Path] = []
    size = 0
    for worker in workers(folder):
        waiting = sealed(worker)
        for segment in waiting:
            group.append(segment)
            size += segment.stat().st_size
            if size >= _COMMIT_BYTES:
                yield group
                group, size = [], 0
        if not waiting:
            discard(worker, ())
    if group:
        yield group


def _settle(store: Store, segments: Sequence[Path]) -> int:

    from millrace.store.log_rows import outcomes_frame, predictions_frame, served_frame

    predicted: list[tuple[str, int, pl.DataFrame]] = []
    outcomes: list[tuple[str, int, pl.DataFrame]] = []
    counted: list[tuple[str, int, pl.DataFrame]] = []
    for segment in segments:
        contents = records(segment)
        first = next(contents, None)
        if first is None:
            continue
        opening = _opening.decode(first)
        entries = [_entry.decode(content) for content in contents]
        key = (segment.parent.name, number(segment))
        if answers := [entry for entry in entries if isinstance(entry, Predicted)]:
            predicted.append((*key, predictions_frame(opening, answers)))
        if truths := [entry for entry in entries if isinstance(entry, Outcome)]:
            outcomes.append((*key, outcomes_frame(truths)))
        if counts := [entry for entry in entries if isinstance(entry, Served)]:
            counted.append((*key, served_frame(opening, counts)))
    rows = _commit(store, PREDICTIONS, predicted) + _commit(store, FEEDBACK, outcomes)
    _commit(store, SERVICE, counted)
    for worker, settled in groupby(segments, key=lambda segment: segment.parent):
        discard(worker, settled)
    return rows


def _commit(store: Store, key: str, parts: Sequence[tuple[str, int, pl.DataFrame]]) -> int:
    """Append the parts that the table does not hold yet, in one commit; give the number of rows.

    Other machines may serve from the same store: when their commit came first, or an error left open whether this one
    landed, the table is looked at again.
    """
    from deltalake.exceptions import DeltaError

    for _ in range(_TRIES):
        try:
            return _append(store.at(key), parts)
        except (DeltaError, OSError) as error:
            failure = error
    raise RemoteError(
        f"The prediction log could not be settled: {said(failure)}. No prediction is lost; it is tried again.",
        where=key,
    ) from failure


def _append(at: str, parts: Sequence[tuple[str, int, pl.DataFrame]]) -> int:
    from deltalake import CommitProperties, Transaction, write_deltalake

    from millrace.store.delta import OPTIONS, opened, scanned
    from millrace.store.log_rows import fitted

    table = opened(at)
    newest: dict[str, int] = {}
    fresh: list[pl.DataFrame] = []
    for worker, segment, frame in parts:
        if table is None or segment > (table.transaction_version(worker) or 0):
            fresh.append(frame)
            newest[worker] = segment
    if not fresh:
        return 0
    transactions = [Transaction(worker, segment) for worker, segment in newest.items()]
    rows = fitted(fresh, dict(scanned(table).collect_schema()) if table else {})
    write_deltalake(
        table or at,
        rows,
        mode="append",
        schema_mode="merge",
        storage_options=None if table else dict(OPTIONS),
        commit_properties=CommitProperties(app_transactions=transactions),
    )
    return rows.height


def _tidy(store: Store, key: str) -> None:
    """Join the small files of many settlements; in a local store, files of versions older than a week go.

    Only called while other settlements of this machine wait, so that nothing is appended meanwhile to a local store.
    """
    from deltalake import DeltaTable, WriterProperties

    from millrace.store.delta import compact

    if compact(store.at(key), WriterProperties(compression="SNAPPY")) and store.local:
        DeltaTable(store.at(key)).vacuum(dry_run=False)


def _read(store: Store, key: str, since: datetime | None = None) -> pl.DataFrame | None:
    import polars as pl

    from millrace.store.delta import opened, scanned

    table = opened(store.at(key))
    if table is None:
        return None
    rows = scanned(table)
    return (rows.filter(pl.col("at") >= since) if since else rows).collect()
