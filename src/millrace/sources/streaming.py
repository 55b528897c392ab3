"""A DuckDB query as Polars frames of one size, in order, without holding all of it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl


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
