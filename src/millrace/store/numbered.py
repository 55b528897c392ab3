"""Logs of numbered JSON objects: entry *n* is ``<folder>/<n>.json``, created and never changed.

A number is taken by creating its object, which one of many writers can do, so a log has no gaps and no two entries
share a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from millrace.errors import ReleaseError
from millrace.store.objects import Store


class Entry(Protocol):
    """What every entry has: its number, from 1."""

    @property
    def number(self) -> int:
        """Which entry of the log it is."""
        ...


Kind = TypeVar("Kind", bound=Entry)


class Numbered(Generic[Kind]):
    """The log of entries of one kind in one folder; `noun` is what messages call it and its entries."""

    def __init__(self, folder: str, kind: type[Kind], format_: int, noun: str) -> None:
        self.folder = folder
        self._kind = kind
        self._format = format_
        self._noun = noun

    def append(self, store: Store, following: Callable[[tuple[Kind, ...]], Kind]) -> Kind:
        """Write the next entry; give it as written.

        `following` gets the history as it stands and gives the entry that follows it. When another writer is faster,
        it is asked again with the longer history. What it raises ends the attempt with nothing written.
        """
        while True:
            past = self.history(store)
            entry = following(past)
            if entry.number != len(past) + 1:
                raise ReleaseError(
                    f"{self._noun.capitalize()} {entry.number} cannot follow {self._noun} {len(past)}.",
                    where=self.folder,
                    code=f"{self._noun}.number",
                    allowed=[str(len(past) + 1)],
                )
            if store.create(self.key(entry.number), msgspec.json.format(msgspec.json.encode(entry), indent=2)):
                return entry

    def history(self, store: Store) -> tuple[Kind, ...]:
        """Every entry, oldest first. Raises `ReleaseError` when one is missing or cannot be read."""
        return tuple(self._read(store, number) for number in range(1, self._newest(store) + 1))

    def newest(self, store: Store) -> Kind | None:
        """The newest entry; None while there is none. One listing and one read."""
        number = self._newest(store)
        return self._read(store, number) if number else None

    def key(self, number: int) -> str:
        """Where an entry rests."""
        return f"{self.folder}/{number}.json"

    def corrupt(self, where: str, what: str) -> ReleaseError:
        """The error for an entry that is not as it must be."""
        return ReleaseError(
            f"The {self._noun} log is damaged at `{where}`: {what}. "
            "The champion is not known for sure, so nothing was changed.",
            where=where,
            code=f"{self._noun}.log",
            next_step=f"restore `{where}` from a backup, or remove it if it is no entry of the log",
        )

    def _newest(self, store: Store) -> int:
        numbers = set()
        for key in store.keys(self.folder):
            stem = key.removeprefix(f"{self.folder}/").removesuffix(".json")
            if not (stem.isascii() and stem.isdigit() and key == self.key(int(stem))):
                raise self.corrupt(key, f"its name is not a {self._noun} number")
            numbers.add(int(stem))
        newest = max(numbers, default=0)
        missing = set(range(1, newest + 1)) - numbers
        if missing:
            raise self.corrupt(self.key(min(missing)), f"it is missing although {self._noun} {newest} exists")
        if 0 in numbers:
            raise self.corrupt(self.key(0), f"{self._noun}s count from 1")
        return newest

    def _read(self, store: Store, number: int) -> Kind:
        key = self.key(number)
        try:
            found = msgspec.json.decode(store.read(key) or b"")
            if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > self._format:
                raise ReleaseError(
                    f"This entry has format {found['format']}; this Millrace reads up to {self._format}.",
                    where=store.at(key),
                    code=f"{self._noun}.format",
                    next_step="pip install --upgrade millrace",
                )
            entry = msgspec.convert(found, self._kind)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise self.corrupt(store.at(key), f"it cannot be read: {error}") from error
        if entry.number != number:
            raise self.corrupt(store.at(key), f"it calls itself {self._noun} {entry.number}")
        return entry
