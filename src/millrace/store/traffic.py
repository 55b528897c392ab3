"""The traffic log: who was tried beside the champion when, one JSON object per change (`store.numbered`)."""

from __future__ import annotations

from collections.abc import Callable

from millrace.records.release import Release
from millrace.records.traffic import FORMAT, Traffic
from millrace.store.numbered import Numbered
from millrace.store.objects import Store

FOLDER = "traffic"
_LOG = Numbered(FOLDER, Traffic, FORMAT, "traffic")


def append(store: Store, following: Callable[[tuple[Traffic, ...]], Traffic]) -> Traffic:
    """Write the next entry of the log, as `Numbered.append` does; give it as written."""
    return _LOG.append(store, following)


def history(store: Store) -> tuple[Traffic, ...]:
    """Every change, oldest first. Raises `ReleaseError` when an entry is missing or cannot be read."""
    return _LOG.history(store)


def current(store: Store, champion: Release) -> Traffic | None:
    """What is tried beside this champion; None when nothing is, as after every change of champion."""
    newest = _LOG.newest(store)
    if newest is None or newest.release != champion.number or not (newest.challenger or newest.shadow):
        return None
    return newest
