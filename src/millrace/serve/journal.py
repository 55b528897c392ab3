"""What the log keeps of answers: their names, and one record for each request."""

from __future__ import annotations

import itertools
import os
import zlib

import msgspec

from millrace.serve.lanes import Lane
from millrace.store.log_entries import SHADOWED, Predicted


class Journal:
    """Names the answers of one process, and writes the record of a `share` (0 to 1) of its requests."""

    def __init__(self, share: float = 0.0) -> None:
        self.share = share
        self._process = os.urandom(4).hex()
        self._count = itertools.count()
        self._prefix, self._next_prefix = "", 0
        self._pack = msgspec.msgpack.Encoder().encode

    def names(self, at: int, rows: int) -> list[str]:
        """Names that sort by time: the millisecond of `at` (µs), the process, and a count."""
        if at >= self._next_prefix:
            self._prefix, self._next_prefix = f"{at:014x}-{self._process}-", at + 1000
        prefix, count = self._prefix, self._count
        return [f"{prefix}{next(count) & 0xFFFFFF:06x}" for _ in range(rows)]

    def record(
        self,
        lane: Lane,
        at: int,
        names: list[str],
        numbers: bytes,
        texts: list[str],
        labels: list[int],
        scores: bytes,
    ) -> bytes:
        """The record of a request's answers; empty where it is not logged. Personal values are protected already."""
        if not (lane.loaded.log and names and (self.share >= 1.0 or self._is_drawn(names[0]))):
            return b""
        return self._pack(Predicted(at, names, numbers, texts, labels, scores, lane.role, lane.unit))

    def _is_drawn(self, name: str) -> bool:
        """Whether the answers of a request are logged; drawn by its first name, for a shadow as for who answered."""
        return zlib.crc32(name.removesuffix(SHADOWED).encode()) < self.share * 2**32
