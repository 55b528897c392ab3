"""Lines that are shaped like a row and are none: without any value, or the header again with a title above it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_EMPTY = "holds no value, only delimiters"
_HEADER = "repeats the header"
_TITLE = "stands above a repeated header"


def void(frame: pl.DataFrame, labels: Sequence[str]) -> dict[int, str]:
    """Why rows of a frame are none, by index; `labels` are the header's names as it writes them, if any.

    A frame in which any column is not of texts is taken to hold no header.

    Examples
    --------
    >>> void(pl.DataFrame({"a": ["1", None, "T", "a"], "b": ["2", None, None, "b"]}), ["a", "b"])
    {1: 'holds no value, only delimiters', 2: 'stands above a repeated header', 3: 'repeats the header'}
    """
    found = dict.fromkeys(_empty(frame), _EMPTY)
    for row in _repeated(frame, labels):
        found[row] = _HEADER
        above = row - 1
        while above >= 0 and above in found:
            above -= 1
        if above >= 0 and sum(value is not None for value in frame.row(above)) == 1:
            found[above] = _TITLE
    return dict(sorted(found.items()))


def _empty(frame: pl.DataFrame) -> list[int]:
    """Rows without a value; most frames have a column that is nowhere empty, so that no row needs a look."""
    if frame.width < 2 or not frame.height or not all(column.null_count() for column in frame.get_columns()):
        return []
    return frame.select(pl.all_horizontal(pl.all().is_null())).to_series().arg_true().to_list()


def _repeated(frame: pl.DataFrame, labels: Sequence[str]) -> list[int]:
    if len(labels) < 2 or any(dtype != pl.String for dtype in frame.dtypes):
        return []
    named = next((at for at, label in enumerate(labels) if label), None)
    if named is None:
        return []
    texts = frame.to_series(named)
    near = texts.str.contains(labels[named], literal=True).arg_true()
    candidates = near.filter(texts.gather(near).str.strip_chars() == labels[named])
    return [row for row in candidates if [(value or "").strip() for value in frame.row(row)] == list(labels)]
