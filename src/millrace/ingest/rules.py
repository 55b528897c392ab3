"""What becomes of the rows of a batch: cleaned, checked, and each put in exactly one place.

A batch goes through them as one Polars plan, without Python per row. A row
that fails is quarantined once, with every reason, and as it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from millrace.errors import DataError
from millrace.ingest.built_in import MAP, REFERENCES, UNIQUE
from millrace.ingest.checks import Check
from millrace.ingest.cleaning import UNMAPPED, Cleaning
from millrace.ingest.keys import Key, Keys
from millrace.ingest.latest import Latest
from millrace.ingest.misread import as_it_was, marked
from millrace.ingest.personal import as_told, personal
from millrace.ingest.reasons import GIVEN, Mark, broken, misfit, refusals, unlisted
from millrace.ingest.references import Reference, orphans
from millrace.ingest.suppression import Suppressed
from millrace.ingest.types import Typed
from millrace.ingest.uniqueness import by_row, settle
from millrace.privacy.columns import Privacy
from millrace.records.ingestion import Counts

_PUBLIC = Privacy()
#: How the columns begin that say of each row whether it failed a rule.
FAILED = "_failed_"
_TAKEN = f"{FAILED}unique"
_ORPHAN = f"{FAILED}references"
_ROW = "_row"


@dataclass(frozen=True, slots=True)
class Examined:
    """The rows of a batch, each looked at by itself, before the table is asked.

    `frame` has them as they were read and `done` as they were cleaned, with `_row` and a Boolean column for each way to
    fail; `failed` tells which rows did in any. `doubtful` names the flag of each column that may hold a misfit.
    """

    frame: pl.DataFrame
    done: pl.DataFrame
    failed: pl.Series
    first_row: int
    doubtful: Mapping[str, str]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of a batch by what became of them.

    `kept` has the final columns and `_row`; `refused` has `_row` Int64, `_rules` List(String), `_reasons` String and
    `_raw` String, the row as it was read. `erased` are the `_row` of rows left out, `replaced` the places of rows that
    leave the table for those kept.
    """

    kept: pl.DataFrame
    refused: pl.DataFrame
    duplicate: int
    erased: pl.Series = field(default_factory=lambda: pl.Series(_ROW, [], pl.Int64))
    replaced: pl.DataFrame = field(default_factory=pl.DataFrame)

    def counts(self, read: int, refused: int) -> Counts:
        """Where the `read` rows went, of which so many were `refused`."""
        return Counts(
            read, self.kept.height, refused, self.duplicate, erased=len(self.erased), replaced=self.replaced.height
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The compiled rules of one source, for batches whose frames have the `delivered` columns."""

    where: str
    delivered: Mapping[str, pl.DataType]
    cleaned: Mapping[str, pl.DataType]
    final: Mapping[str, pl.DataType]
    lost: tuple[pl.Expr, ...]
    cleaning: Cleaning
    tidied: tuple[pl.Expr, ...]
    typings: tuple[Typed, ...]
    checks: tuple[Check, ...]
    digest: str
    unique: tuple[Key, ...] = ()
    references: tuple[Reference, ...] = ()
    privacy: Privacy = _PUBLIC
    latest: Latest | None = None

    @property
    def alone(self) -> bool:
        """Whether what becomes of a row depends on no other row, here or in any table."""
        return not (self.cleaning.identity or self.unique or self.references or self.latest)

    def split(
        self,
        frame: pl.DataFrame,
        first_row: int,
        known: Keys | None = None,
        protected: pl.DataFrame | None = None,
        erased: Suppressed | None = None,
        misfits: pl.DataFrame | None = None,
        called: Callable[[pl.Series], pl.Series] = by_row,
    ) -> Split:
        """Examine and settle the rows at once."""
        return self.settle(self.examine(frame, first_row, misfits), known, protected, erased, called)

    def examine(self, frame: pl.DataFrame, first_row: int, misfits: pl.DataFrame | None = None) -> Examined:
        """Clean and check the rows, each by itself; `misfits` are values that the reader could not take.

        Raises `DataError` when the frame has other columns than the rules were compiled for.
        """
        _same_columns(self.delivered, dict(frame.schema), self.where)
        try:
            done = self._plan(frame, first_row).collect()
        except pl.exceptions.PolarsError as error:
            raise DataError(f"The rules cannot be applied: {error}", where=self.where, code="data.rules") from error
        doubtful, marks = {one.column: f"{FAILED}type_{i}" for i, one in enumerate(self.typings)}, list[Mark]()
        if misfits is not None and misfits.height:
            done, doubtful, marks = marked(done, frame, misfits, doubtful)
            frame = as_it_was(frame, misfits)
        flags = [column for column in done.columns if column.startswith(FAILED)]
        failed = (
            done.select(pl.any_horizontal(flags)).to_series() if flags else pl.repeat(False, done.height, eager=True)
        )
        return Examined(frame, done, failed, first_row, doubtful, tuple(marks))

    def settle(
        self,
        examined: Examined,
        known: Keys | None = None,
        protected: pl.DataFrame | None = None,
        erased: Suppressed | None = None,
        called: Callable[[pl.Series], pl.Series] = by_row,
    ) -> Split:
        """Put each row in its place; `known` are the keys of the rows already in the table.

        `protected` has, for each row, values of personal columns that were protected before; rows of persons who were
        `erased` are left out; rows are `called` so where they are told of.
        """
        frame, done, failed, doubtful = examined.frame, examined.done, examined.failed, examined.doubtful
        gone = pl.Series(_ROW, [], pl.Int64)
        if erased and (named := erased.matches(as_told(erased.columns, frame, done, doubtful))).any():
            gone = done[_ROW].filter(named)
            done, frame, failed = done.filter(~named), frame.filter(~named), failed.filter(~named)
        kept = self.privacy.protect(done.select(*self.cleaned, _ROW).filter(~failed))
        if protected is not None:
            before = protected[(kept[_ROW] - examined.first_row).cast(pl.UInt32)]
            kept = kept.with_columns(before[column] for column in before.columns if column in self.final)
        lost = orphans(kept, self.references) if self.references else None
        if lost is not None and lost.height:
            kept = kept.join(lost, on=_ROW, how="anti", maintain_order="left")
        replaced, duplicate = pl.DataFrame(), 0
        if self.latest:
            chosen = self.latest.settle(kept, known.rows if known else None)
            kept, replaced, duplicate = chosen.kept, chosen.replaced, kept.height - chosen.kept.height
        settled = settle(kept, self.cleaning.identity, self.unique, known, called)
        for told, flag in ((lost, _ORPHAN), (settled.taken if self.unique else None, _TAKEN)):
            if told is not None:
                reasons = told.select(_ROW, pl.last().alias(f"{flag}_told"))
                done = done.join(reasons, on=_ROW, how="left", maintain_order="left")
                done = done.with_columns(pl.col(f"{flag}_told").is_not_null().alias(flag))
                failed |= done[flag]
        bad = failed.arg_true()
        raw = personal(self.privacy, frame[bad], done[bad], doubtful)
        private = [column for column in self.privacy.words if column in raw.columns]
        shown = done[bad].drop((GIVEN + column for column in private), strict=False).with_columns(raw.select(private))
        return Split(
            settled.kept,
            refusals(shown, raw, [*examined.marks, *self._marks()]),
            settled.duplicate + duplicate,
            gone,
            replaced,
        )

    def _marks(self) -> list[Mark]:
        marks = [misfit(f"{FAILED}type_{i}", one) for i, one in enumerate(self.typings)]
        marks += [unlisted(f"{UNMAPPED}{i}", MAP, column) for i, column in enumerate(self.cleaning.unmapped)]
        marks += [broken(f"{FAILED}check_{i}", one) for i, one in enumerate(self.checks)]
        marks += [Mark(_ORPHAN, REFERENCES, pl.col(f"{_ORPHAN}_told"))] if self.references else []
        return marks + ([Mark(_TAKEN, UNIQUE, pl.col(f"{_TAKEN}_told"))] if self.unique else [])

    def _plan(self, frame: pl.DataFrame, first_row: int) -> pl.LazyFrame:
        plan = frame.lazy().with_row_index(_ROW, offset=first_row).with_columns(pl.col(_ROW).cast(pl.Int64))
        plan = plan.with_columns(*self.tidied, *self.lost)
        plan = plan.with_columns(
            *(one.value for one in self.typings),
            *((~one.fits).alias(f"{FAILED}type_{i}") for i, one in enumerate(self.typings)),
        )
        for step in self.cleaning.steps:
            plan = plan.with_columns(*step)
        floats = [name for name, dtype in self.cleaned.items() if dtype == pl.Float64]
        plan = plan.with_columns(pl.col(floats).fill_nan(None)) if floats else plan
        broken = [(~one.holds).fill_null(value=False).alias(f"{FAILED}check_{i}") for i, one in enumerate(self.checks)]
        return plan.with_columns(*broken)


def same_schema(table: Mapping[str, pl.DataType], batch: Mapping[str, pl.DataType], where: str) -> None:
    """Raise `DataError` when the columns of a table, once written down, would be of another type."""
    _same_columns(table, {name: dtype for name, dtype in batch.items() if name in table}, where)


def _same_columns(wanted: Mapping[str, pl.DataType], found: Mapping[str, pl.DataType], where: str) -> None:
    changes = [f"`{name}` is new" for name in found if name not in wanted]
    changes += [f"`{name}` is gone" for name in wanted if name not in found]
    changes += [
        f"`{name}` was {wanted[name]} and is {dtype}"
        for name, dtype in found.items()
        if name in wanted and wanted[name] != dtype
    ]
    if changes:
        raise DataError(
            f"The columns changed since they were written down: {'; '.join(changes)}. "
            "Nothing of this batch was committed.",
            where=where,
            code="data.columns",
            allowed=[f"{name} ({dtype})" for name, dtype in wanted.items()],
            next_step="mend the data, or state the column's type in the project file",
        )
