"""A file of questions into a file of answers, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from millrace.errors import UsageError
from millrace.package.api import Package
from millrace.package.writers import SUFFIXES, DelimitedWriter, opened
from millrace.records.progress import Step, Watch, unwatched


@dataclass(frozen=True, slots=True)
class Answered:
    """How many rows were answered, and how many could not be."""

    rows: int
    refused: int


def answer_file(
    package: Package,
    batches: Iterable[tuple[pl.DataFrame, pl.DataFrame]],
    to: Path,
    watch: Watch = unwatched,
    *,
    conformal: bool = False,
) -> Answered:
    """Write the rows of every batch with their answers to `to`; rows that cannot be read go beside it, with reasons.

    The format follows the suffix. The file appears complete or not at all; an earlier one is replaced only then.
    With `conformal` what else may be true follows each answer. Raises `UsageError` for another suffix.
    """
    if to.suffix not in SUFFIXES:
        raise UsageError(f"`{to.name}` names no format that answers are written in.", where="predict", allowed=SUFFIXES)
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_suffix(".refused.csv")
    rows = refused = 0
    with ExitStack() as complete:
        answers = complete.enter_context(opened(to))
        reasons: DelimitedWriter | None = None
        for asked, unread in batches:
            said = package.predict(asked, conformal=conformal)
            if "set" in said.columns and to.suffix == ".csv":  # a cell of CSV holds no list
                said = said.with_columns(pl.col("set").list.join(", "))
            answers.write(pl.concat([asked, said], how="horizontal"))
            if unread.height:
                reasons = reasons or complete.enter_context(DelimitedWriter(aside))
                reasons.write(unread.with_columns(pl.col("_rules").list.join(", ")))
            rows, refused = rows + asked.height, refused + unread.height
            watch(Step("predict", f"{rows:,} rows", done=rows))
    return Answered(rows, refused)
