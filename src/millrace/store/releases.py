"""The release log: who was champion when, one JSON object per change, created and never changed.

Entry *n* is ``releases/<n>.json``. A number is taken by creating its object, which one of many writers can do, so the
log has no gaps and no two entries share a number. The champion is what the newest entry says.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from millrace.errors import ReleaseError
from millrace.records.release import FORMAT, Release
from millrace.store.objects import Store

FOLDER = "releases"


def append(store: Store, next_release: Callable[[tuple[Release, ...]], Release]) -> Release:
    """Write the next entry of the log; give it as written.

    `next_release` gets the history as it stands and gives the entry that follows it. When another writer is faster,
    it is asked again with the longer history, so an entry never rests on an outdated champion. What it raises ends
    the attempt with nothing written.
    """
    while True:
        past = history(store)
        release = next_release(past)
        if release.number != len(past) + 1:
            raise ReleaseError(
                f"Release {release.number} cannot follow release {len(past)}.",
                where=FOLDER,
                code="release.number",
                allowed=[str(len(past) + 1)],
            )
        if store.create(_key(release.number), msgspec.json.format(msgspec.json.encode(release), indent=2)):
            return release


def history(store: Store) -> tuple[Release, ...]:
    """Every release, oldest first. Raises `ReleaseError` when an entry is missing or cannot be read."""
    return tuple(_read(store, number) for number in range(1, _newest(store) + 1))


def champion(store: Store) -> Release | None:
    """The entry that says who is champion now; None before the first release. One listing and one read."""
    newest = _newest(store)
    return _read(store, newest) if newest else None


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
            raise _corrupt(
                _key(release.number),
                f"it rolls back to {release.package} version {release.version}, which is not the champion before",
            )
    return tuple(top)


def _key(number: int) -> str:
    return f"{FOLDER}/{number}.json"


def _newest(store: Store) -> int:
    numbers = set()
    for key in store.keys(FOLDER):
        stem = key.removeprefix(f"{FOLDER}/").removesuffix(".json")
        if not (stem.isascii() and stem.isdigit() and key == _key(int(stem))):
            raise _corrupt(key, "its name is not a release number")
        numbers.add(int(stem))
    newest = max(numbers, default=0)
    missing = set(range(1, newest + 1)) - numbers
    if missing:
        raise _corrupt(_key(min(missing)), f"it is missing although release {newest} exists")
    if 0 in numbers:
        raise _corrupt(_key(0), "releases count from 1")
    return newest


def _read(store: Store, number: int) -> Release:
    key = _key(number)
    try:
        found = msgspec.json.decode(store.read(key) or b"")
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise ReleaseError(
                f"This entry has format {found['format']}; this Millrace reads up to {FORMAT}.",
                where=store.at(key),
                code="release.format",
                next_step="pip install --upgrade millrace",
            )
        release = msgspec.convert(found, Release)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise _corrupt(store.at(key), f"it cannot be read: {error}") from error
    if release.number != number:
        raise _corrupt(store.at(key), f"it calls itself release {release.number}")
    return release


def _corrupt(where: str, what: str) -> ReleaseError:
    return ReleaseError(
        f"The release log is damaged at `{where}`: {what}. The champion is not known for sure, so nothing was changed.",
        where=where,
        code="release.log",
        next_step=f"restore `{where}` from a backup, or remove it if it is no entry of the log",
    )
