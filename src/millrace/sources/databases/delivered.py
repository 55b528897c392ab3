"""Which rows of a database were delivered, of those that an ingest will look at again.

A row is known by a 64-bit hash of its place in the order; among a million rows, two share one with a probability of
3e-8. Hashes are kept in segments that never change once they are full, so that a position with many is written fast.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.sources.cursors import measure
from millrace.sources.databases.python_values import packed, unpacked

#: Hashes in a segment at most, where several are joined: 1 MB as text.
SEGMENT = 100_000
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Segment:
    """Some hashes as base64, and the newest cursor of their rows, as the database compares it."""

    text: str
    newest: Any

    @property
    def hashes(self) -> Hashes:
        """Sorted."""
        return np.frombuffer(base64.b64decode(self.text), dtype="<u8").astype(np.uint64)

    def among(self, there: Hashes) -> Segment | None:
        """Those of its hashes that are among `there`, which are sorted; None when none is."""
        hashes = self.hashes
        kept = hashes[known(hashes, there)]
        if len(kept) == len(hashes):
            return self
        return Segment(_text(kept), self.newest) if len(kept) else None

    def older_than(self, least: Any) -> bool:
        """Whether no row of it can have a cursor of `least` or more, be it in the order of values or of texts."""
        newest, edge = measure(self.newest), measure(least)
        if type(newest) is not type(edge) or (
            isinstance(self.newest, str) and not isinstance(newest, Decimal) and self.newest >= least
        ):
            return False
        try:
            return bool(newest < edge)
        except TypeError:  # one time has a zone, the other has none
            return False


@dataclass(frozen=True, slots=True)
class Delivered:
    """The hashes of delivered rows, in segments.

    Examples
    --------
    >>> two = Delivered().along(np.array([7, 5], dtype=np.uint64), 10).along(np.array([9], dtype=np.uint64), 20)
    >>> two.hashes.tolist(), Delivered.of(two.told(), 20) == two, two.since(21).hashes.tolist()
    ([5, 7, 9], True, [])
    """

    segments: tuple[Segment, ...] = ()

    @property
    def hashes(self) -> Hashes:
        """All of them, sorted."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *(one.hashes for one in self.segments)]))

    def along(self, hashes: Hashes, newest: Any) -> Delivered:
        """These and `hashes`, of rows of which none has a cursor behind `newest`; small segments are joined."""
        if not len(hashes):
            return self
        segments = [*self.segments, Segment(_text(np.unique(hashes)), newest)]
        while len(segments) > 1 and (joined := _joined(*segments[-2:])):
            segments[-2:] = [joined]
        return Delivered(tuple(segments))

    def since(self, least: Any) -> Delivered:
        """Those that rows may have with a cursor of `least` or more."""
        kept = tuple(one for one in self.segments if not one.older_than(least))
        return self if len(kept) == len(self.segments) else Delivered(kept)

    def among(self, there: Hashes) -> Delivered:
        """Those of them that are also among `there`, which are sorted."""
        return Delivered(tuple(left for one in self.segments if (left := one.among(there))))

    def told(self) -> list[dict[str, Any]]:
        """As a position holds them."""
        return [{"hashes": one.text, "newest": packed(one.newest)} for one in self.segments]

    @staticmethod
    def of(told: str | Sequence[Mapping[str, Any]], newest: Any) -> Delivered:
        """What `told` gave; older positions hold one text, of rows up to the cursor `newest`."""
        if isinstance(told, str):
            return Delivered((Segment(told, newest),)) if told else Delivered()
        return Delivered(tuple(Segment(one["hashes"], unpacked(one["newest"])) for one in told))


def known(hashes: Hashes, delivered: Hashes) -> NDArray[np.bool_]:
    """Which of `hashes` are among `delivered`, which are sorted."""
    if not len(delivered):
        return np.zeros(len(hashes), dtype=bool)
    at = np.minimum(np.searchsorted(delivered, hashes), len(delivered) - 1)
    return np.equal(delivered[at], hashes)


def _joined(one: Segment, other: Segment) -> Segment | None:
    """Both as one where that pays, so that few segments hold many rows and each row is seldom written again."""
    if len(other.text) * 2 < len(one.text) or len(one.text) + len(other.text) > SEGMENT * 11:
        return None
    if one.newest == other.newest or one.older_than(other.newest):
        return Segment(_text(np.union1d(one.hashes, other.hashes)), other.newest)
    return Segment(_text(np.union1d(one.hashes, other.hashes)), one.newest) if other.older_than(one.newest) else None


def _text(hashes: Hashes) -> str:
    return base64.b64encode(hashes.astype("<u8").tobytes()).decode()
