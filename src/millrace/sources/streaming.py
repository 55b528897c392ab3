"""A DuckDB query as Polars frames of one size, in order, without holding all of it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

#: What the rows of a batch take in their file, unpacked; in memory they take several times as much.
_BATCH_BYTES = 16 << 20
_FEWEST_ROWS = 1000
#: By how much of a file the length of its lines is judged.
HEAD_BYTES = 1 << 20


def frames(connection: duckdb.DuckDBPyConnection, query: str, size: int) -> Iterator[pl.DataFrame]:
    """The rows of `query`, `size` at a time; the last frame may be shorter."""
    from arro3.core import RecordBatchReader

    waiting: list[pl.DataFrame] = []
    height = 0
    for record_batch in RecordBatchReader.from_stream(connection.sql(query)):
        waiting.append(pl.DataFrame(record_batch))
        height += waiting[-1].height
        while height >= size:
            joined = pl.concat(waiting)
            yield joined.head(size)
            waiting = [joined.slice(size)]
            height -= size
    if height:
        yield pl.concat(waiting)


def fitting(most: int, row_bytes: float) -> int:
    """How many rows, at most `most`, make a batch that is neither too large for memory nor too small to be worth it.

    Examples
    --------
    >>> fitting(500_000, 80), fitting(500_000, 1000), fitting(500_000, 1e9)
    (209715, 16777, 1000)
    """
    return min(most, max(_FEWEST_ROWS, int(_BATCH_BYTES / max(row_bytes, 1.0))))


def line_bytes(head: bytes) -> float:
    """How long a line is on average, in bytes, by the first ones of a file."""
    return len(head) / max(1, head.count(b"\n"), head.count(b"\r"))


def quoted(text: str) -> str:
    """`text` as an SQL string.

    Examples
    --------
    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
