"""The refusals of a file, in its order; many of them rest on disk, so that a file of broken lines fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from millrace.sources.base import Refusal
from millrace.sources.scratch import Scratch

#: So many are held in memory.
_HELD = 10_000
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Refusal)


class Refusals:
    """Refusals to add to, and then to go through as often as needed.

    Examples
    --------
    >>> refusals = Refusals(Scratch())
    >>> refusals.add(Refusal(3, None, "1 values where 2 columns are expected", "7"))
    >>> [refusal.line for refusal in refusals], len(refusals)
    ([3], 1)
    """

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._held: list[Refusal] = []
        self._place: Path | None = None
        self._count = 0

    def add(self, refusal: Refusal) -> None:
        """Put one behind the others."""
        self._held.append(refusal)
        self._count += 1
        if len(self._held) >= _HELD:
            self._put_away()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Refusal]:
        if self._place is not None:
            with self._place.open("rb") as lines:
                yield from map(_DECODER.decode, lines)
        yield from self._held

    def _put_away(self) -> None:
        self._place = self._place or self._scratch.place("refusals.ndjson")
        with self._place.open("ab") as lines:
            lines.write(_ENCODER.encode_lines(self._held))
        self._held = []
