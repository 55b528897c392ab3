"""What each load of a source brought: one small object for all commits of an ingest, written when it ends.

``loads/<source>/<number>.json``, by the number of the last commit; 0 stands for the time before the first one. An
ingest that died leaves none; what it committed belongs to the load that goes on where it stopped. Replays bring nothing
new and belong to none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from millrace.errors import DataError
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.remote import resumable

#: Written into every object; readers accept every older one.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the rows of one load, in which run and when it ended."""

    counts: Counts
    run: str
    at: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit: the number of the one before, the run that made it, and what became of its rows."""

    previous: int
    run: str
    counts: Counts


def begin(store: Store, source: str) -> None:
    """Write down that no commit of a source is older than its loads. Raises `RemoteError`."""
    with resumable():
        store.create(_key(source, 0), msgspec.json.encode(Load(Counts(), "", "")))


def note(store: Store, source: str, number: int, run: str, own: Mapping[int, Committed]) -> None:
    """Write down the load that ends with commit `number`, unless it is; `own` are the commits of this ingest.

    Raises `RemoteError` when the store refuses to write.
    """
    counts = Counts()
    for commit in _since_the_last(store, source, number, own):
        if commit.counts.quarantined >= 0:  # a replay takes out of the quarantine
            counts += commit.counts
    if counts.read:
        load = Load(counts, run, datetime.now(UTC).isoformat(timespec="milliseconds"))
        with resumable("The load is not on record yet"):
            store.create(_key(source, number), msgspec.json.encode(load))


def newest(store: Store, source: str, count: int) -> list[Load]:
    """The last `count` loads of a source, the newest first. Raises `DataError` when one is newer than this Millrace."""
    found = []
    for number in [number for number in _numbers(store, source) if number][-1 : -count - 1 : -1]:
        key = _key(source, number)
        load = msgspec.json.decode(store.read(key) or b"", type=Load)
        if load.format > FORMAT:
            seen = f"{key} has format {load.format}; this Millrace reads up to {FORMAT}."
            raise DataError(seen, where=source, code="data.load", next_step="pip install --upgrade millrace")
        found.append(load)
    return found


def _since_the_last(store: Store, source: str, number: int, own: Mapping[int, Committed]) -> Iterator[Committed]:
    """The commits up to `number` that belong to no load yet, the newest first.

    Where none was noted, by an older Millrace, only those of the newest run count.
    """
    begun = min((commit.previous for commit in own.values()), default=number)
    # Nearly always a load ended where this ingest began: then all loads before need not be listed.
    noted = _numbers(store, source, since=begun) or _numbers(store, source)
    last, run = max(noted, default=0), ""
    while number > last:
        commit = own.get(number) or _committed(store, source, number)
        run = run or commit.run
        if not noted and commit.run != run:
            return
        yield commit
        number = commit.previous


def _committed(store: Store, source: str, number: int) -> Committed:
    receipt = receipts.read(store, source, number)
    return Committed(receipt.previous, receipt.run, receipt.counts)


def _numbers(store: Store, source: str, since: int = 0) -> list[int]:
    """The numbers of the loads from `since` on, in order."""
    keys = store.keys(f"loads/{source}", after=_key(source, since - 1) if since else None)
    return sorted(int(key.rsplit("/", 1)[1].removesuffix(".json")) for key in keys)


def _key(source: str, number: int) -> str:
    return f"loads/{source}/{number:020d}.json"
