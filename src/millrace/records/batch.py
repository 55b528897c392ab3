"""Some rows on their way in, with how far their source has been read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

#: How far a source has been read; JSON-serialisable, opaque to everyone but the source.
Position = Mapping[str, Any]


def _nothing() -> None:
    """Acknowledge nothing: files do not wait for an answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The consecutive rows of a batch that are of one origin: how many parsed, from which on, and how many refused."""

    origin: str
    first_row: int
    rows: int
    refused: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows read from one origin, and the position that holds once they are committed.

    `frame` holds the parsed rows, `first_row` the ordinal (from 1) of its first row within `origin`. `refused` holds
    what the reader could not parse: columns ``line`` Int64, ``column`` String, ``reason`` String, ``raw`` String.
    `misfits` are values of rows in `frame` that are none of their column's type: ``at`` UInt32, the index of the row,
    ``column`` String, ``text`` String, the value as it was read; in the frame they are missing. `acknowledge` is called
    after the commit; brokers wait for it. Where small batches of several origins were joined, `pieces` says which rows
    are whose, `origin` is a name for all of them, and `first_row` is 1.
    """

    frame: pl.DataFrame
    refused: pl.DataFrame
    origin: str
    first_row: int
    position: Position
    acknowledge: Callable[[], None] = _nothing
    misfits: pl.DataFrame | None = None
    pieces: tuple[Piece, ...] = ()

    @property
    def whole(self) -> tuple[Piece, ...]:
        """The pieces; of a batch from one origin, that one."""
        return self.pieces or (Piece(self.origin, self.first_row, self.frame.height, self.refused.height),)

    @property
    def read(self) -> int:
        """How many rows were read, parsed or not."""
        return int(self.frame.height + self.refused.height)
