"""Runs that came to an end: ``runs/<id>.json``, written before a release that they lead to, and completed after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from millrace.records.package import PackageInfo
from millrace.records.release import GateVerdict, Release
from millrace.records.run import Run, Waits
from millrace.store.objects import Store

FOLDER = "runs"
_TIME = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Outline:
    """What of a run's record tells how it ended."""

    run: str
    package: PackageInfo
    gate: GateVerdict
    release: Release | None = None
    waits: Waits = ""
    reason: str = ""

    @property
    def began(self) -> datetime:
        """When it began, to the second; its id says so."""
        return datetime.strptime(self.run.split("-")[0], _TIME).replace(tzinfo=UTC)


def keep(store: Store, run: Run) -> Outline:
    """Write a run down; give its outline."""
    store.write(_key(run.run), msgspec.json.format(msgspec.json.encode(run)))
    return Outline(run.run, run.package, run.gate, run.release, run.waits, run.reason)


def settle(store: Store, run: str, release: Release | None, waits: Waits = "") -> None:
    """Note what became of the run `run`: it led to `release`, or to none after all, or `waits` for something else."""
    record = msgspec.json.decode(store.read(_key(run)) or b"{}")
    record |= {"release": msgspec.to_builtins(release), "waits": waits}
    store.write(_key(run), msgspec.json.format(msgspec.json.encode(record)))


def newest(store: Store) -> Outline | None:
    """The run that began last, of those that came to an end."""
    keys = store.keys(FOLDER)
    return find(store, max(keys).removeprefix(f"{FOLDER}/").removesuffix(".json")) if keys else None


def waiting(store: Store) -> tuple[Outline, ...]:
    """The runs that wait for something, oldest first: of those since the last one that led to a release.

    A later run may have come to nothing: what an earlier one began goes on.
    """
    found: list[Outline] = []
    for key in sorted(store.keys(FOLDER), reverse=True):
        ended = find(store, key.removeprefix(f"{FOLDER}/").removesuffix(".json"))
        if ended.release is not None:
            break
        if ended.waits:
            found.append(ended)
    return tuple(reversed(found))


def find(store: Store, run: str) -> Outline:
    """A run that came to an end."""
    return msgspec.json.decode(store.read(_key(run)) or b"", type=Outline)


def _key(run: str) -> str:
    return f"{FOLDER}/{run}.json"
