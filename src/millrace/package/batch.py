"""Many questions into a file or a table of answers, a batch at a time, wherever the graph runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import polars as pl

from millrace.engine import Engine
from millrace.engine.here import Here
from millrace.errors import DataError, UsageError, nearest
from millrace.package.api import Package
from millrace.package.writers import SUFFIXES, DelimitedWriter, opened
from millrace.records.progress import Step, Watch, unwatched
from millrace.store.answers import AnswerTable, Existing
from millrace.store.objects import Store
from millrace.store.remote import checked

#: Rows that can be answered, and rows that cannot, with `_row`, `_rules`, `_reasons` and `_raw`.
Batch = tuple[pl.DataFrame, pl.DataFrame]
#: What an answer is called where the rows have a column of its name.
_PREDICTED = "predicted_"


@dataclass(frozen=True, slots=True)
class Answered:
    """How many rows were answered, and how many could not be, with the place where these are.

    Of a table the version that holds the answers; `already` where it had them before, so that nothing was answered.
    """

    rows: int
    refused: int
    aside: str | None = None
    version: int | None = None
    already: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """How a package is asked.

    `trust` is the file of the public key that signed it. `known` are columns that a batch may lack without an error: a
    source need not deliver those that none of the batch's rows has a value in.
    """

    package: Package
    trust: str | None = None
    conformal: bool = False
    known: Collection[str] = ()

    def answers(self, batches: Iterable[Batch], engine: Engine) -> Iterator[Batch]:
        """The rows of each batch with their answers behind them, in order; all batches with the columns of the first.

        An answer whose name is that of a column of the rows is called ``predicted_<name>``. Raises `DataError` where
        the rows lack a column that the model takes.
        """
        work: Callable[[Batch], Iterator[Batch]] = self.answer
        if engine.several:
            work = _Elsewhere(str(self.package.path), self.trust, self.conformal, frozenset(self.known))
        else:
            # One batch for each core, and one that is ready: a run on one core wastes less than one shared by several.
            engine = Here(width=(os.cpu_count() or 1) + 1)
        columns: pl.Schema | None = None
        with closing(engine.stream(work, batches)) as answered:
            for rows, unread in answered:
                columns = columns or rows.schema
                yield _aligned(rows, columns), unread

    def answer(self, batch: Batch) -> Iterator[Batch]:
        """One batch with its answers."""
        asked, unread = batch
        _demand([field.name for field in self.package.signature.inputs], {*asked.columns, *self.known})
        said = self.package.predict(asked, conformal=self.conformal)
        taken = {name: f"{_PREDICTED}{name}" for name in said.columns if name in asked.columns}
        yield pl.concat([asked, said.rename(taken)], how="horizontal"), unread


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Answers a batch in another process, which opens the package by itself."""

    path: str
    trust: str | None
    conformal: bool
    known: frozenset[str]

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        return Asking(_held(self.path, self.trust), self.trust, self.conformal, self.known).answer(batch)


@lru_cache(maxsize=1)
def _held(path: str, trust: str | None) -> Package:
    """The package, checked and opened once in each process of an engine; the engine runs one batch on each core."""
    return Package.load(path, threads=1, trust=trust)


def table_at(to: str, existing: Existing = "refuse") -> str | None:
    """Where the table is that `to` names; None where it names a file. Raises `UsageError` for what is neither.

    Examples
    --------
    >>> table_at("scores"), table_at("s3://lake/scores"), table_at("scores.csv")
    ('scores', 's3://lake/scores', None)
    """
    suffix = PurePosixPath(to).suffix
    if "://" in to:
        if suffix in SUFFIXES:
            raise UsageError(
                f"Files are written on this machine; `{to}` is none.",
                where="--to",
                allowed=["a path", "the URL of a Delta table, such as s3://lake/scores"],
            )
        return checked(to, "--to")
    if suffix in SUFFIXES and not Path(to).is_dir():
        if existing != "refuse":
            raise UsageError(f"A file is replaced as a whole; only a table can be told to {existing}.", where="--to")
        return None
    if suffix in ("", ".delta") or Path(to).is_dir():
        return to
    allowed = [*SUFFIXES, "a folder for a Delta table"]
    raise UsageError(f"`{to}` names no format that answers are written in.", where="--to", allowed=allowed)


def answer_file(answers: Iterable[Batch], to: Path, tell: Watch = unwatched, total: int | None = None) -> Answered:
    """Write the rows with their answers to `to`; rows that cannot be read go beside it, with reasons.

    The format follows the suffix. The file appears complete or not at all; an earlier one is replaced only then.
    Raises `UsageError` for another suffix.
    """
    if to.suffix not in SUFFIXES:
        raise UsageError(f"`{to.name}` names no format that answers are written in.", where="predict", allowed=SUFFIXES)
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_suffix(".refused.csv")
    with ExitStack() as complete:
        file = complete.enter_context(opened(to))
        refused = complete.enter_context(DelimitedWriter(aside))

        def write(rows: pl.DataFrame) -> None:
            if to.suffix == ".csv" and "set" in rows.columns and rows.schema["set"] == pl.List(pl.String):
                rows = rows.with_columns(pl.col("set").list.join(", "))  # a cell of CSV holds no list
            file.write(rows)

        done = _written(answers, write, refused, tell, total)
    return Answered(*done, str(aside) if done[1] else None)


def answer_table(
    answers: Iterable[Batch],
    table: AnswerTable,
    told: Mapping[str, str],
    tell: Watch = unwatched,
    total: int | None = None,
) -> Answered:
    """Write the rows with their answers to a Delta table, in one commit with `told` in its history.

    Where the table has the answers of this very job, nothing is asked. Rows that cannot be read are written beside the
    table before it, as CSV with reasons. Raises as `AnswerTable` does.
    """
    if table.done:
        return Answered(0, 0, already=True)
    parent, _, name = table.at.rpartition("/")
    aside = f"{name}.refused-{table.job}.csv"
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder, table:
        with DelimitedWriter(Path(folder) / aside) as refused:
            rows, unread = _written(answers, table.write, refused, tell, total)
        if unread:
            Store(parent).write(aside, (Path(folder) / aside).read_bytes())
        version = table.commit({**told, "rows": str(rows), "refused": str(unread)})
    return Answered(rows, unread, f"{parent}/{aside}" if unread else None, version)


def _written(
    answers: Iterable[Batch],
    write: Callable[[pl.DataFrame], None],
    refused: DelimitedWriter,
    tell: Watch,
    total: int | None,
) -> tuple[int, int]:
    """Write every batch, and give how many rows were answered and refused."""
    rows = unreadable = 0
    for answered, unread in answers:
        write(answered)
        if unread.height:
            refused.write(unread.with_columns(pl.col("_rules").list.join(", ")))
        rows, unreadable = rows + answered.height, unreadable + unread.height
        tell(Step("predict", f"{rows:,} rows", done=rows, total=total))
    return rows, unreadable


def _demand(needed: Collection[str], there: Collection[str]) -> None:
    """Raise `DataError` unless all `needed` columns are there."""
    lacking = [name for name in needed if name not in there]
    if lacking:
        raise DataError(
            f"The rows have no column {', '.join(f'`{name}`' for name in lacking)}, which the model takes.",
            where="predict",
            code="data.columns",
            allowed=sorted(there),
            nearest=nearest(lacking[0], there),
            next_step="add it; where its values are not known, leave them empty",
        )


def _aligned(rows: pl.DataFrame, columns: pl.Schema) -> pl.DataFrame:
    """`rows` with these columns. Raises `DataError` where they have others."""
    if rows.schema == columns:
        return rows
    if surplus := [name for name in rows.columns if name not in columns]:
        raise DataError(
            f"Some rows have the column `{surplus[0]}`, which those before do not have.",
            where="predict",
            code="data.columns",
            allowed=columns,
            next_step="answer files with other columns by themselves",
        )
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in columns.items() if name not in rows.columns]
    return rows.with_columns(absent).select(columns.names())
