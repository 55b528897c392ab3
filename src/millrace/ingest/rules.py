"""What becomes of the rows of a batch: cleaned, checked, and each put in exactly one place.

All rules of a source are compiled once; a batch goes through them as one Polars plan, without Python per row. A row
that fails is quarantined once, with every reason, and as it was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from millrace.config.schema import ColumnSettings, ColumnType, SourceSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.built_in import MAP, TYPE, UNREADABLE
from millrace.ingest.checks import Check, compile_checks, required
from millrace.ingest.cleaning import UNMAPPED, Cleaning, compile_cleaning
from millrace.ingest.contract import Agreed
from millrace.ingest.personal import as_told, personal, protection
from millrace.ingest.suppression import Suppressed
from millrace.ingest.types import Typed, column_types, final_schema, tidy, typed
from millrace.privacy.columns import Privacy
from millrace.sources.column_types import DTYPES
from millrace.store.tables import BOOKKEEPING

_DIGESTED = {"key", "columns", "missing", "contract", "clean", "required", "checks"}
_PUBLIC = Privacy()
_FAILED = "_failed_"
_RAW = "_raw_"
_ROW = "_row"
_REFUSED = {_ROW: pl.Int64(), "_rules": pl.List(pl.String()), "_reasons": pl.String(), "_raw": pl.String()}


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of a batch by what became of them.

    `kept` has the final columns and `_row`; `refused` has `_row` Int64, `_rules` List(String), `_reasons` String and
    `_raw` String, the row as it was read.
    """

    kept: pl.DataFrame
    refused: pl.DataFrame
    duplicate: int
    erased: int = 0


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
    privacy: Privacy = _PUBLIC

    def split(
        self,
        frame: pl.DataFrame,
        first_row: int,
        known: pl.LazyFrame | None = None,
        protected: pl.DataFrame | None = None,
        erased: Suppressed | None = None,
    ) -> Split:
        """Clean and check the rows; `known` are the rows already in the table, for sources without duplicates.

        `protected` has, for each row of `frame`, values of personal columns that were protected before; rows of persons
        who were `erased` are left out. Raises `DataError` when the frame has other columns than the rules were compiled
        for.
        """
        _same_columns(self.delivered, dict(frame.schema), self.where)
        try:
            done = self._plan(frame, first_row).collect()
        except pl.exceptions.PolarsError as error:
            raise DataError(f"The rules cannot be applied: {error}", where=self.where, code="data.rules") from error
        flags = [column for column in done.columns if column.startswith(_FAILED)]
        failed = (
            done.select(pl.any_horizontal(flags)).to_series() if flags else pl.repeat(False, done.height, eager=True)
        )
        misfits = {one.column: f"{_FAILED}type_{i}" for i, one in enumerate(self.typings)}
        gone = 0
        if erased and (named := erased.matches(as_told(erased.columns, frame, done, misfits))).any():
            gone = int(named.sum())
            done, frame, failed = done.filter(~named), frame.filter(~named), failed.filter(~named)
        bad = failed.arg_true()
        kept = done.select(*self.cleaned, _ROW)
        if bad.len():
            kept = kept.filter(~failed)
        kept = self.privacy.protect(kept)
        if protected is not None:
            before = protected[(kept[_ROW] - first_row).cast(pl.UInt32)]
            kept = kept.with_columns(before[column] for column in before.columns if column in self.final)
        distinct = self._distinct(kept, known)
        raw = personal(self.privacy, frame[bad], done[bad], misfits)
        shown = done[bad].with_columns(raw.select(column for column in self.privacy.words if column in raw.columns))
        return Split(distinct, self._refused(shown, raw), kept.height - distinct.height, gone)

    def _plan(self, frame: pl.DataFrame, first_row: int) -> pl.LazyFrame:
        plan = frame.lazy().with_row_index(_ROW, offset=first_row).with_columns(pl.col(_ROW).cast(pl.Int64))
        plan = plan.with_columns(*self.tidied, *self.lost)
        plan = plan.with_columns(
            *(one.value for one in self.typings),
            *((~one.fits).alias(f"{_FAILED}type_{i}") for i, one in enumerate(self.typings)),
        )
        for step in self.cleaning.steps:
            plan = plan.with_columns(*step)
        floats = [name for name, dtype in self.cleaned.items() if dtype == pl.Float64]
        plan = plan.with_columns(pl.col(floats).fill_nan(None)) if floats else plan
        broken = [(~one.holds).fill_null(value=False).alias(f"{_FAILED}check_{i}") for i, one in enumerate(self.checks)]
        return plan.with_columns(*broken)

    def _distinct(self, kept: pl.DataFrame, known: pl.LazyFrame | None) -> pl.DataFrame:
        """The rows without those whose identity came earlier, in this batch or in the table."""
        identity = self.cleaning.identity
        if identity is None:
            return kept
        first = kept.select(pl.struct(identity).is_first_distinct()).to_series()
        new = kept.filter(first if self.cleaning.whole else first | kept.select(_incomplete(identity)).to_series())
        if known is None:
            return new
        # The batch is the small side: only its own identities are ever held in memory, however long the table is.
        there = known.select(identity).join(new.lazy().select(identity), on=identity, how="semi", nulls_equal=True)
        seen = there.unique().collect(engine="streaming")
        if not self.cleaning.whole:
            seen = seen.drop_nulls()
        return new.join(seen, on=identity, how="anti", nulls_equal=True, maintain_order="left")

    def _refused(self, done: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """The failed rows with their reasons; `done` and `raw` are the same rows after and before cleaning."""
        if done.is_empty():
            return pl.DataFrame(schema=_REFUSED)
        types = [f"{_FAILED}type_{i}" for i in range(len(self.typings))]
        checks = [f"{_FAILED}check_{i}" for i in range(len(self.checks))]
        maps = [f"{UNMAPPED}{i}" for i in range(len(self.cleaning.unmapped))]
        rules = [
            pl.when(pl.any_horizontal(flags)).then(pl.lit(rule))
            for rule, flags in ((TYPE, types), (MAP, maps))
            if flags
        ]
        rules += [pl.when(flag).then(pl.lit(one.name)) for flag, one in zip(checks, self.checks, strict=True)]
        reasons = [
            pl.when(flag).then(pl.concat_str(pl.lit(one.refusal), _shown(_RAW + one.column)))
            for flag, one in zip(types, self.typings, strict=True)
        ]
        reasons += [
            pl.when(flag).then(pl.concat_str(pl.lit(f"{MAP}: {column} has no entry for "), _shown(_RAW + column)))
            for flag, column in zip(maps, self.cleaning.unmapped, strict=True)
        ]
        reasons += [pl.when(flag).then(_broken(one)) for flag, one in zip(checks, self.checks, strict=True)]
        both = pl.concat([done, raw.rename(lambda name: _RAW + name)], how="horizontal")
        both = both.with_columns(pl.lit(None).alias(_RAW + name) for name in self.cleaned if name not in self.delivered)
        return both.select(
            pl.col(_ROW),
            pl.concat_list(rules).list.drop_nulls().list.unique(maintain_order=True).alias("_rules"),
            pl.concat_str(reasons, separator="; ", ignore_nulls=True).alias("_reasons"),
            raw.select(pl.struct(pl.all()).struct.json_encode().alias("_raw")).to_series(),
        )


def compile_rules(
    name: str,
    settings: SourceSettings,
    delivered: Mapping[str, pl.DataType],
    known: Mapping[str, ColumnType] | None = None,
    contract: Agreed | None = None,
) -> Rules:
    """The rules of source `name` for frames with the `delivered` columns; `known` are their types as the source says.

    Where there is a `contract`, it says the final columns.

    Raises `ProjectFileError` for rules that name unknown columns or do not fit their types, and for columns whose
    names or types a table cannot hold.

    Examples
    --------
    >>> from millrace.config.schema import ColumnType, SourceSettings
    >>> settings = SourceSettings.model_validate({"from": "a.csv", "checks": {"positive": "tenure >= 0"}})
    >>> split = compile_rules("customers", settings, {"tenure": pl.Int64()}).split(pl.DataFrame({"tenure": [3, -1]}), 1)
    >>> split.kept["tenure"].to_list(), split.refused["_reasons"].to_list()
    ([3], ["positive: `tenure >= 0` does not hold: tenure = '-1'"])
    """
    where = f"sources.{name}"
    known = contract.types if contract else known or {}
    rows = {column: delivered.get(column, DTYPES[kind]) for column, kind in known.items()} if contract else delivered
    final = final_schema(rows, known, settings, where)
    private = protection(settings, final, where)
    lost = contract.lost if contract else ()
    _holdable(final, where)
    cleaning = compile_cleaning(settings, final, where)
    texts = [column for column, dtype in delivered.items() if dtype == pl.String]
    kinds = column_types(final)
    stated, unstated = settings.columns, ColumnSettings.model_construct()
    typings = (typed(one, delivered[one], kinds[one], stated.get(one, unstated)) for one in final if one in delivered)
    said = settings.model_dump_json(include=_DIGESTED | ({"pii"} if settings.pii else set()))
    return Rules(
        where=where,
        delivered=dict(delivered),
        cleaned=final,
        final=private.schema(final),
        lost=tuple(pl.lit(None, dtype=final[column]).alias(column) for column in lost),
        cleaning=cleaning,
        tidied=tuple(tidy(column, settings, column in cleaning.trimmed) for column in texts),
        typings=tuple(one for one in typings if one),
        checks=(
            *(contract.checks if contract else ()),
            *required(settings.required, final, where),
            *compile_checks(settings.checks, final, where),
        ),
        digest=hashlib.sha256(said.encode()).hexdigest()[:16],
        privacy=private,
    )


def unreadable(refused: pl.DataFrame) -> pl.DataFrame:
    """What a reader could not parse, in the form of `Split.refused`."""
    column, reason = pl.col("column").fill_null(""), pl.col("reason").fill_null("no reason given")
    named = (column == "") | reason.str.starts_with(column)
    return refused.select(
        pl.col("line").cast(pl.Int64).alias(_ROW),
        pl.concat_list(pl.lit(UNREADABLE)).alias("_rules"),
        pl.when(named).then(reason).otherwise(pl.concat_str(column, pl.lit(": "), reason)).alias("_reasons"),
        pl.col("raw").alias("_raw"),
    )


def misfits(refused: pl.DataFrame, unread: pl.DataFrame) -> dict[str, str]:
    """The columns with values that do not fit, each with what was said of one; `unread` is what the reader refused."""
    said = refused.filter(pl.col("_rules").list.contains(TYPE))["_reasons"].unique(maintain_order=True).to_list()
    told = {reason.removeprefix(f"{TYPE}: ").split(" is not ", 1)[0]: reason for reason in said}
    named = unread.drop_nulls("column").unique("column", maintain_order=True)
    return told | dict(zip(named["column"], named["reason"], strict=True))


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


def _holdable(final: Mapping[str, pl.DataType], where: str) -> None:
    known, folded = column_types(final), dict[str, str]()
    for column, dtype in final.items():
        if (same := folded.setdefault(column.lower(), column)) != column:
            raise ProjectFileError(
                f"The column names `{same}` and `{column}` differ only in case, which a table does not tell apart.",
                where=where,
                code="config.columns",
                next_step="rename one of them in the source",
            )
        if column.startswith((_FAILED, _RAW)) or column in BOOKKEEPING:
            seen = f"The column name `{column}` is reserved for Millrace's own columns."
            raise ProjectFileError(
                seen, where=where, code="config.columns", next_step="rename the column in the source"
            )
        if column not in known:
            seen = f"`{column}` is {dtype}, which a table does not hold."
            allowed = ["number", "integer", "boolean", "date", "datetime", "text"]
            raise ProjectFileError(seen, where=f"{where}.columns.{column}", code="config.columns", allowed=allowed)


def _incomplete(identity: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(pl.col(column).is_null() for column in identity)


def _shown(column: str) -> pl.Expr:
    return pl.concat_str(pl.lit("'"), pl.col(column).cast(pl.String), pl.lit("'")).fill_null("null")


def _broken(check: Check) -> pl.Expr:
    parts = [pl.lit(f"{check.name}: {check.refusal}")]
    for ordinal, column in enumerate(check.columns):
        parts += [pl.lit(f"{', ' if ordinal else ': '}{column} = "), _shown(column)]
    return pl.concat_str(parts)
