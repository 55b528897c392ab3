"""Parts of a table, each of which any process can read, and what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from millrace.sources.databases.bounds import Bounds
from millrace.sources.databases.delivered import Hashes


@dataclass(frozen=True, slots=True)
class Piece:
    """New rows of one query and their `misfits`, as a batch has both.

    `seen` are their `hash` and `cursor`, of which none is behind `newest`;
    `at` is the place reached, None where the reading was further already.
    """

    frame: pl.DataFrame
    misfits: pl.DataFrame
    seen: pl.DataFrame
    newest: Any
    at: tuple[Any, ...] | None


class Reader(Protocol):
    """A source of which parts can be read."""

    def late(self, at: tuple[Any, ...], seen: Hashes) -> Iterator[Piece]:
        """The rows up to `at` of which the hashes are not `seen`."""

    def range(self, bounds: Bounds) -> Iterator[Piece]:
        """The rows within `bounds`, a chunk at a time."""


@dataclass(frozen=True, slots=True)
class Late:
    """The part of a table that was read, to be looked at again."""

    source: Reader
    at: tuple[Any, ...]
    seen: Hashes

    def read(self) -> Iterator[Piece]:
        """What is new in it."""
        return self.source.late(self.at, self.seen)


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive rows of a table that were not read; a connection of its own reads them."""

    source: Reader
    bounds: Bounds

    def read(self) -> Iterator[Piece]:
        """Its rows, a chunk at a time: several when there are more than when the range was cut."""
        return self.source.range(self.bounds)
