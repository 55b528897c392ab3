"""The release log: who was champion when, one JSON object per change, created and never changed.

Entry *n* is ``releases/<n>.json`` (`store.numbered`). The champion is what the newest entry says.
"""

from __future__ import annotations

from collections.abc import Callable

from millrace.records.release import FORMAT, Release
from millrace.store.numbered import Numbered
from millrace.store.objects import Store

FOLDER = "releases"
_LOG = Numbered(FOLDER, Release, FORMAT, "release")


def append(store: Store, next_release: Callable[[tuple[Release, ...]], Release]) -> Release:
    """Write the next entry of the log; give it as written.

    `next_release` gets the history as it stands and gives the entry that follows it. When another writer is faster,
    it is asked again with the longer history, so an entry never rests on an outdated champion. What it raises ends
    the attempt with nothing written.
    """
    return _LOG.append(store, next_release)


def history(store: Store) -> tuple[Release, ...]:
    """Every release, oldest first. Raises `ReleaseError` when an entry is missing or cannot be read."""
    return _LOG.history(store)


def champion(store: Store) -> Release | None:
    """The entry that says who is champion now; None before the first release. One listing and one read."""
    return _LOG.newest(store)


def standing(past: tuple[Release, ...]) -> tuple[Release, ...]:
    """The promotions that rollbacks have not undone, oldest first: the last one's package is champion.

    A promotion is put on top, a rollback takes the top away. So the entry before the last is where a rollback leads,
    and a second rollback leads one further back, whatever was promoted and undone in between.
    """
    top: list[Release] = []
    for release in past:
        if release.kind == "promote":
            top.append(release)
        elif len(top) > 1 and (top[-2].package, top[-2].version) == (release.package, release.version):
            top.pop()
        else:
            raise _LOG.corrupt(
                _LOG.key(release.number),
                f"it rolls back to {release.package} version {release.version}, which is not the champion before",
            )
    return tuple(top)
