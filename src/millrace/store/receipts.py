"""How far a source had been read at each commit, and what became of the rows: one small object per commit.

A receipt is written before the commit that it belongs to, and means nothing until that commit lands. The commit names
it by its number, which Delta keeps in every checkpoint as the version of the application transaction. So the one
atomic commit makes rows and position true together, and the position outlives the cleaning of Delta's log.

The number is ``sequence << 32 | attempt``: the ordinal of the commit, and 32 bits of a digest of what was to be
committed. The same batch under the same rules gives the same number wherever and however often it is tried; two
different tries at one ordinal have different numbers, and exactly one of them can land.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from millrace.errors import DataError
from millrace.records.ingestion import Counts
from millrace.store.objects import Store
from millrace.store.remote import resumable

#: What readers accept, with every older one: 3 where the rows are of several origins, 2 where the position has texts
#: that rest apart, else 1.
FORMAT = 3
_ATTEMPT_BITS = 32


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one commit did: `counts` of its batch, `totals` of all commits so far, and where the source stands after it.

    `previous` is the number of the commit before (0 at the first), `rules` the digest of the cleaning and checks. Where
    the source has personal columns, `pii` says how each is protected, `pii_key` the id of the key that hashes, and
    `columns` the types that the source's columns had before. Where rows of several origins were committed together,
    `origin` is a name for all of them, and `origins` tells what became of the rows of each.
    """

    previous: int
    position: dict[str, Any]
    counts: Counts
    totals: Counts
    run: str
    origin: str
    rules: str
    at: str
    reasons: dict[str, int] = field(default_factory=dict)
    pii: dict[str, str] = field(default_factory=dict)
    pii_key: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    format: int = 1
    origins: dict[str, Counts] = field(default_factory=dict)

    @property
    def by_origin(self) -> Mapping[str, Counts]:
        """What became of the rows of each origin; which of them replaced others is known of all together alone."""
        return self.origins or {self.origin: self.counts}


def number(previous: int, parts: Mapping[str, object]) -> int:
    """The number of the commit after `previous` that commits what `parts` describe.

    Examples
    --------
    >>> sequence(number(0, {"origin": "a.csv"})), number(0, {"origin": "a.csv"}) == number(0, {"origin": "b.csv"})
    (1, False)
    """
    content = msgspec.json.encode([previous, dict(parts)], order="sorted")
    attempt = int.from_bytes(hashlib.sha256(content).digest()[: _ATTEMPT_BITS // 8], "big")
    return (sequence(previous) + 1) << _ATTEMPT_BITS | attempt


def sequence(commit: int) -> int:
    """The ordinal of a commit, from 1; 0 before the first."""
    return commit >> _ATTEMPT_BITS


def write(store: Store, source: str, commit: int, receipt: Receipt) -> None:
    """Write the receipt of a commit about to be tried; what an earlier try of the same commit left stays.

    Raises `RemoteError` when the store refuses to write.
    """
    with resumable():
        store.create(_key(source, commit), msgspec.json.encode(receipt))


def read(store: Store, source: str, commit: int) -> Receipt:
    """The receipt of a commit. Raises `DataError` when it is gone or newer than this Millrace."""
    key = _key(source, commit)
    content = store.read(key)
    if content is None:
        seen = f"The table of {source} names the receipt {key}, which is gone: how far the source was read is unknown."
        raise DataError(seen, where=source, code="data.receipt", next_step="restore the store's folder `commits`")
    receipt = msgspec.json.decode(content, type=Receipt)
    if receipt.format > FORMAT:
        seen = f"{key} has format {receipt.format}; this Millrace reads up to {FORMAT}."
        raise DataError(seen, where=source, code="data.receipt", next_step="pip install --upgrade millrace")
    return receipt


def landed(store: Store, source: str, last: int) -> frozenset[int]:
    """The numbers of all commits up to `last` that took effect.

    Where a sequence was tried once, that try is the one; only where several were, the receipt after them tells.
    """
    tried: dict[int, list[int]] = {}
    for key in store.keys(f"commits/{source}"):
        commit = int(key.rsplit("/", 1)[1].removesuffix(".json"))
        tried.setdefault(sequence(commit), []).append(commit)
    found: set[int] = set()
    current = last
    for ordinal in range(sequence(last), 0, -1):
        found.add(current)
        before = tried.get(ordinal - 1, [])
        current = before[0] if len(before) == 1 else read(store, source, current).previous
    return frozenset(found)


def _key(source: str, commit: int) -> str:
    return f"commits/{source}/{commit:020d}.json"
