"""What would stop an ingest, told before it: rules that do not fit the columns, columns that changed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import polars as pl

from millrace.config.schema import SourceSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.compiling import compile_rules
from millrace.ingest.contract import agree
from millrace.ingest.expectations import check_columns
from millrace.ingest.personal import source_types
from millrace.ingest.retention import check_column
from millrace.sources import open_source
from millrace.sources.base import Collection, Source
from millrace.store.objects import Store
from millrace.store.tables import Table

#: So many new files are looked into.
_MOST = 100


def hold_rules(name: str, settings: SourceSettings, source: Source, store: Store) -> None:
    """Raise `ProjectFileError` for a rule that names a column which is not there, or that does not fit its type.

    A source without rows does not show its columns and types yet, so nothing is said of it.
    """
    known = {**source.schema(), **source_types(Table(store, f"tables/{name}"))}
    try:
        rules = compile_rules(name, settings, dict.fromkeys(known, pl.String()), known)
        check_columns(settings.expect, rules.final, f"sources.{name}")
        check_column(settings.retain, rules.final, name)
    except ProjectFileError:
        if any(True for _ in islice(source.batches(None), 1)):
            raise


def column_changes(name: str, settings: SourceSettings, store: Store, base: Path) -> tuple[list[str], list[str]]:
    """What changed in the columns of new rows: what the contract takes, and what it would stop at.

    The first rows of each new file are read, or of what else is new; nothing before the first ingest.
    """
    table = Table(store, f"tables/{name}")
    if (position := table.position()) is None:
        return [], []
    known = source_types(table)
    source = open_source(name, settings, base, schema=known)
    first = source.first_batches(position) if isinstance(source, Collection) else islice(source.batches(position), 1)
    taken, frozen = list[str](), list[str]()
    for batch in islice(first, _MOST):
        try:
            taken += [f"{name}, {batch.origin}: {one}" for one in agree(batch.frame, known, settings, "").changes]
        except DataError as error:
            frozen.append(f"{name}, {batch.origin}: {error.seen} {error.next_step}.")
    return taken, frozen
