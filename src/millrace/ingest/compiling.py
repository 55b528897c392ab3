"""The rules of a source, compiled once from what its section says, for the columns that it delivers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from millrace.config.schema import ColumnSettings, ColumnType, SourceSettings
from millrace.errors import ProjectFileError
from millrace.ingest.checks import compile_checks, required
from millrace.ingest.cleaning import columns_named, compile_cleaning
from millrace.ingest.contract import Agreed
from millrace.ingest.latest import Latest
from millrace.ingest.personal import protection
from millrace.ingest.reasons import GIVEN, RAW
from millrace.ingest.references import Parents, compile_references
from millrace.ingest.rules import FAILED, Rules
from millrace.ingest.types import column_types, final_schema, tidy, typed
from millrace.ingest.uniqueness import compile_unique
from millrace.sources.column_types import DTYPES
from millrace.store.tables import BOOKKEEPING

_DIGESTED = {"key", "columns", "missing", "contract", "clean", "required", "checks"}
#: Rules that count for the digest only where they are stated, so that it stays what it was where they are not.
_DIGESTED_IF_STATED = ("pii", "unique", "references")


def compile_rules(
    name: str,
    settings: SourceSettings,
    delivered: Mapping[str, pl.DataType],
    known: Mapping[str, ColumnType] | None = None,
    contract: Agreed | None = None,
    parents: Parents | None = None,
) -> Rules:
    """The rules of source `name` for frames with the `delivered` columns; `known` are their types as the source says.

    Where there is a `contract`, it says the final columns. What rows refer to is checked where there are `parents`.

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
    columns_named(settings.keys, final, f"{where}.key")
    cleaning = compile_cleaning(settings, final, where)
    texts = [column for column, dtype in delivered.items() if dtype == pl.String]
    kinds = column_types(final)
    stated, unstated = settings.columns, ColumnSettings.model_construct()
    typings = (typed(one, delivered[one], kinds[one], stated.get(one, unstated)) for one in final if one in delivered)
    latest = Latest.of(settings)
    needed = dict.fromkeys((*settings.required, *((*latest.key, latest.cursor) if latest else ())))
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
            *required(tuple(needed), final, where),
            *compile_checks(settings.checks, final, where),
        ),
        digest=_digest(settings),
        references=compile_references(settings, private.schema(final), parents, where) if parents else (),
        unique=compile_unique(settings, final, where),
        privacy=private,
        latest=latest,
    )


def _digest(settings: SourceSettings) -> str:
    """What tells apart the rules that rows were kept by."""
    stated = {key for key in _DIGESTED_IF_STATED if getattr(settings, key)}
    latest = {"keep", "cursor"} if Latest.of(settings) else set()
    said = settings.model_dump_json(include=_DIGESTED | stated | latest)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


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
        if column.startswith((FAILED, RAW, GIVEN)) or column in BOOKKEEPING:
            seen = f"The column name `{column}` is reserved for Millrace's own columns."
            raise ProjectFileError(
                seen, where=where, code="config.columns", next_step="rename the column in the source"
            )
        if column not in known:
            seen = f"`{column}` is {dtype}, which a table does not hold."
            allowed = ["number", "integer", "boolean", "date", "datetime", "text"]
            raise ProjectFileError(seen, where=f"{where}.columns.{column}", code="config.columns", allowed=allowed)
