"""Small batches that follow each other made one, so that many small files do not cost a commit each.

Nothing is promised by how batches are joined: a batch says with its position what was read, and with its pieces which
rows are whose. So a source that is read again after a kill may well be joined otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import polars as pl

from millrace.errors import MillraceError
from millrace.records.batch import Batch, Piece

#: What a joined batch has at most: rows, bytes of values, batches.
MOST_ROWS = 100_000
_MOST_BYTES = 24 << 20
_MOST_BATCHES = 200


def grouped(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same rows in the same order, in fewer batches; only batches with the same columns are joined.

    Where reading cannot go on, what was read before is given first.
    """
    waiting: list[Batch] = []
    rows = size = 0
    failures: list[MillraceError] = []
    for batch in _until_failure(batches, failures):
        large = _bytes(batch)
        full = rows + batch.read > MOST_ROWS or size + large > _MOST_BYTES or len(waiting) >= _MOST_BATCHES
        other = bool(waiting) and waiting[-1].frame.schema != batch.frame.schema
        if waiting and (full or other):
            yield joined(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + batch.read, size + large
    if waiting:
        yield joined(waiting)
    if failures:
        raise failures[0]


def _until_failure(batches: Iterator[Batch], failures: list[MillraceError]) -> Iterator[Batch]:
    try:
        yield from batches
    except MillraceError as error:
        failures.append(error)


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of several with the same columns, with the position of the last."""
    first, last = batches[0], batches[-1]
    if len(batches) == 1:
        return first
    pieces = _pieces(batches)
    starts = accumulate((batch.frame.height for batch in batches[:-1]), initial=0)
    odd = [
        batch.misfits.with_columns(pl.col("at") + start)
        for batch, start in zip(batches, starts, strict=True)
        if batch.misfits is not None
    ]

    def acknowledge() -> None:
        for batch in batches:
            batch.acknowledge()

    return Batch(
        frame=pl.concat([batch.frame for batch in batches], rechunk=True),
        refused=pl.concat([batch.refused for batch in batches]),
        origin=first.origin if len(pieces) == 1 else f"{pieces[0].origin} to {pieces[-1].origin}",
        first_row=first.first_row if len(pieces) == 1 else 1,
        position=last.position,
        acknowledge=acknowledge,
        misfits=pl.concat(odd) if odd else None,
        pieces=pieces if len(pieces) > 1 else (),
    )


def _pieces(batches: Sequence[Batch]) -> tuple[Piece, ...]:
    """Whose rows the joined batch has; batches that go on in one origin are one piece."""
    found: list[Piece] = []
    for one in (piece for batch in batches for piece in batch.whole):
        before = found[-1] if found else None
        if before is not None and before.origin == one.origin and before.first_row + before.rows == one.first_row:
            found[-1] = Piece(one.origin, before.first_row, before.rows + one.rows, before.refused + one.refused)
        else:
            found.append(one)
    return tuple(found)


def _bytes(batch: Batch) -> int:
    """About how much its values take."""
    frame = batch.frame
    texts = [pl.col(name).str.len_bytes().sum() for name, dtype in frame.schema.items() if dtype == pl.String]
    return 8 * frame.height * frame.width + (sum(frame.select(texts).row(0)) if texts else 0)
