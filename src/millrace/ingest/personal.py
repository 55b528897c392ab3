"""How the personal values of a source pass through ingestion: cleaned and checked in plain, written protected.

Protection comes behind the checks and before everything that is written: the table, the quarantine's raw rows and its
reasons. Where a value could not be cleaned, what was read is protected instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, cast

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import DataError, ProjectFileError, nearest
from millrace.ingest.types import column_types
from millrace.privacy.columns import Privacy, canonical, privacy
from millrace.store import receipts
from millrace.store.receipts import Receipt
from millrace.store.tables import Table


def ready(sources: Mapping[str, SourceSettings]) -> None:
    """Raise `ProjectFileError` or `MissingExtraError` unless every source's personal values can be protected."""
    for name, settings in sources.items():
        privacy(settings.pii, os.environ, f"sources.{name}")


def protection(settings: SourceSettings, columns: Mapping[str, object], where: str) -> Privacy:
    """The rules of a source with these columns. Raises `ProjectFileError` for a column that it does not have."""
    for column in settings.pii:
        if column not in columns:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=f"{where}.pii",
                code="config.unknown-column",
                allowed=columns,
                nearest=nearest(column, columns),
            )
    return privacy(settings.pii, os.environ, where)


def personal(private: Privacy, raw: pl.DataFrame, done: pl.DataFrame, misfits: Mapping[str, str]) -> pl.DataFrame:
    """Rows as they were read, their personal columns protected as the table's are: after cleaning, where that worked.

    `misfits` names, for columns that may not fit their type, the column of `done` that says whether they did not.
    """
    if not private or raw.is_empty():
        return raw
    told = as_told(private.words, raw, done, misfits)
    return private.protect(raw.with_columns(told), keep_dropped=True)


def as_told(columns: Iterable[str], raw: pl.DataFrame, done: pl.DataFrame, misfits: Mapping[str, str]) -> pl.DataFrame:
    """The plain values of columns as texts: after cleaning, or as they were read where they do not fit their type."""
    told = []
    for column in columns:
        if column in raw.columns:
            cleaned, read = canonical(done[column]), raw[column].cast(pl.String)
            told.append(read.zip_with(done[misfits[column]], cleaned) if column in misfits else cleaned)
    return pl.DataFrame(told)


def same_protection(last: Receipt | None, private: Privacy, where: str) -> None:
    """Raise `DataError` where rows would stand in the table beside others that are protected in another way."""
    if last is None:
        return
    changed = sorted(set(last.pii.items()) ^ set(private.words.items()))
    if changed:
        columns = ", ".join(f"`{column}`" for column in dict.fromkeys(column for column, _ in changed))
        raise DataError(
            f"`pii` says something else of {columns} than when the table was made. "
            "Nothing of this batch was committed.",
            where=where,
            code="pii.changed",
            allowed=[f"{column}: {how}" for column, how in last.pii.items()] or ["no `pii`"],
            next_step="ingest into a new source name, then remove the old one's folders from the store",
        )
    if private.key and last.pii_key and last.pii_key != private.key:
        raise DataError(
            f"The table's hashes were made with the key {last.pii_key}, these would be with {private.key}: "
            "they would not match. Nothing of this batch was committed.",
            where=where,
            code="pii.key",
            next_step="put that key last in `MILLRACE_PII_KEY`, after a comma",
        )


def noted(private: Privacy, cleaned: Mapping[str, pl.DataType]) -> dict[str, Any]:
    """What a receipt keeps of personal columns and the plain types of all; nothing where there are none."""
    if not private:
        return {}
    return {"pii": dict(private.words), "pii_key": private.key, "columns": dict(column_types(cleaned))}


def source_types(table: Table) -> dict[str, ColumnType]:
    """The types that the source's columns had at the last commit, before any was protected; empty before the first."""
    now = table.snapshot()
    last = receipts.read(table.store, table.name, now.number) if now.number else None
    return cast("dict[str, ColumnType]", last.columns if last else {}) or column_types(now.schema())


def as_read(rows: pl.DataFrame, private: Privacy) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Refused rows as they were before protection, and the values of the columns where that cannot be had back."""
    if not private:
        return rows, None
    opaque = [column for column in rows.columns if column in private.opaque]
    if not opaque:
        return private.reveal(rows), None
    plain = private.reveal(rows.drop(opaque)).with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in opaque)
    return plain.select(rows.columns), rows.select(opaque)
