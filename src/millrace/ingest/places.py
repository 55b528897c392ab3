"""Where the rows of a batch are from: origin and row, told from how they are numbered in the batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import polars as pl

from millrace.records.batch import Batch, Piece
from millrace.records.ingestion import Counts


@dataclass(frozen=True, slots=True)
class Places:
    """The pieces of a batch whose rows are numbered one after the other, from `first_row` of the batch on.

    Examples
    --------
    >>> places = Places((Piece("a.csv", 1, 2, 0), Piece("b.csv", 1, 3, 0)), 1)
    >>> places.named(pl.DataFrame({"_row": [2, 3, 5]})).rows()
    [(2, 'a.csv'), (1, 'b.csv'), (3, 'b.csv')]
    """

    pieces: tuple[Piece, ...]
    first_row: int

    @staticmethod
    def of(batch: Batch) -> Places:
        """The places of the rows of a batch."""
        return Places(batch.whole, batch.first_row)

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` with their `_row` within their origin in the place of that in the batch, and their `_origin`."""
        if len(self.pieces) == 1:
            return rows.with_columns(pl.lit(self.pieces[0].origin).alias("_origin"))
        which, row = self._found(rows["_row"])
        return rows.with_columns(row, self._origins.gather(which).alias("_origin"))

    def told(self, rows: pl.Series) -> pl.Series:
        """In words, which rows these are of the batch: ``row 3``, with the origin where the batch has several."""
        if len(self.pieces) == 1:
            return pl.select(pl.format("row {}", rows)).to_series()
        which, row = self._found(rows)
        return pl.select(pl.format("row {} of {}", row, self._origins.gather(which))).to_series()

    def lines(self, refused: pl.DataFrame) -> pl.DataFrame:
        """What a reader refused in the batch, all of it in its order, with its `_origin`."""
        counts = [piece.refused for piece in self.pieces]
        which = np.repeat(np.arange(len(counts)), counts)
        return refused.with_columns(self._origins.gather(which).alias("_origin"))

    def counted(self, kept: pl.DataFrame, refused: pl.DataFrame, erased: pl.Series) -> dict[str, Counts]:
        """What became of the rows of each origin; the first two have their `_origin`; those nowhere are duplicates."""
        read: Counter[str] = Counter()
        for piece in self.pieces:
            read[piece.origin] += piece.rows + piece.refused
        there, aside, gone = (
            Counter(dict(rows["_origin"].value_counts().iter_rows()))
            for rows in (kept, refused, self.named(erased.to_frame()))
        )
        return {
            one: Counts(rows, there[one], aside[one], rows - there[one] - aside[one] - gone[one], erased=gone[one])
            for one, rows in read.items()
        }

    def _found(self, rows: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The piece that each row is in, and its number there."""
        starts = np.array([*accumulate((piece.rows for piece in self.pieces[:-1]), initial=self.first_row)])
        # Of pieces without rows, the last one that starts here is the one that has the row.
        which = np.searchsorted(starts, rows.to_numpy(), side="right") - 1
        first = np.array([piece.first_row for piece in self.pieces])
        return pl.Series(which, dtype=pl.Int64), pl.Series("_row", rows.to_numpy() - starts[which] + first[which])

    @property
    def _origins(self) -> pl.Series:
        return pl.Series([piece.origin for piece in self.pieces], dtype=pl.String)
