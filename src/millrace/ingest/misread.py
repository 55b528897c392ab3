"""Rows with values that a reader could not take as their column's type: marked, and with what was read in its place.

A reader gives such a row with no value there, and the text beside it; so the row is refused under the rule `type` like
one whose text cleaning could not take, and a replay can try it again.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from millrace.ingest.built_in import TYPE
from millrace.ingest.reasons import GIVEN, RAW, Mark, shown
from millrace.ingest.types import meaning

#: Starts the flags of such columns.
_FLAG = "_failed_read_"


def as_it_was(frame: pl.DataFrame, misfits: pl.DataFrame) -> pl.DataFrame:
    """The rows as they were read: columns with `misfits` (`at`, `column`, `text`) as texts."""
    for (column,), some in misfits.partition_by("column", as_dict=True, maintain_order=True).items():
        texts = frame[column].cast(pl.String).scatter(some["at"], some["text"])
        frame = frame.with_columns(texts.alias(column))
    return frame


def marked(
    done: pl.DataFrame, frame: pl.DataFrame, misfits: pl.DataFrame, flags: Mapping[str, str]
) -> tuple[pl.DataFrame, dict[str, str], list[Mark]]:
    """The cleaned rows with a flag for each column that has misfits, and that column as `frame` has it.

    Flags that a column has already, by `flags`, are raised in those rows too; for others a mark says what is wrong.
    """
    named, marks = dict(flags), list[Mark]()
    for (column,), some in misfits.partition_by("column", as_dict=True, maintain_order=True).items():
        flag = named.setdefault(column, f"{_FLAG}{column}")
        here = pl.Series(flag, [False]).new_from_index(0, done.height).scatter(some["at"], True)
        if flag in done.columns:
            here |= done[flag]
        else:
            said = pl.lit(f"{TYPE}: {column} is not {meaning(done.schema[column])}: ")
            marks.append(Mark(flag, TYPE, pl.concat_str(said, shown(RAW + column))))
        done = done.with_columns(here.alias(flag), frame[column].alias(GIVEN + column))
    return done, named, marks
