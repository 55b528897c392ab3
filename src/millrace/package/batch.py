"""A file of questions into a file of answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from millrace.errors import UsageError
from millrace.package.api import Package
from millrace.records.progress import Step, Watch, unwatched

SUFFIXES = (".csv", ".parquet", ".ndjson")


@dataclass(frozen=True, slots=True)
class Answered:
    """How many rows were answered, and how many could not be."""

    rows: int
    refused: int


def answer_file(
    package: Package, batches: Iterable[tuple[pl.DataFrame, pl.DataFrame]], to: Path, watch: Watch = unwatched
) -> Answered:
    """Write the rows of every batch with their answers to `to`; rows that cannot be read go beside it, with reasons.

    The format follows the suffix. The file appears complete or not at all. Raises `UsageError` for another suffix.
    """
    if to.suffix not in SUFFIXES:
        raise UsageError(f"`{to.name}` names no format that answers are written in.", where="predict", allowed=SUFFIXES)
    answered, refused = [], []
    rows = 0
    for asked, unread in batches:
        answered.append(pl.concat([asked, package.predict(asked)], how="horizontal"))
        refused.append(unread)
        rows += asked.height
        watch(Step("predict", f"{rows:,} rows", done=rows))
    if answered:
        _write(pl.concat(answered), to)
    aside = pl.concat(refused) if refused else pl.DataFrame()
    if aside.height:
        listed = aside.with_columns(pl.col("_rules").list.join(", "))
        listed.write_csv(to.with_suffix(".refused.csv"))
    return Answered(rows, aside.height)


def _write(frame: pl.DataFrame, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.part")
    match to.suffix:
        case ".csv":
            frame.write_csv(part)
        case ".parquet":
            frame.write_parquet(part)
        case _:
            frame.write_ndjson(part)
    part.replace(to)
