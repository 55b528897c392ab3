"""Rows to be answered rather than kept: the same reading and cleaning as in training, no checks, every row counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from millrace.config.schema import ProjectSettings, SourceSettings
from millrace.ingest.mapping import with_tables
from millrace.ingest.reasons import unreadable
from millrace.ingest.rules import compile_rules
from millrace.sources import open_source

#: Where a table is distinct, a question may be asked twice.
_ONLY_FOR_TABLES = "drop_duplicates"


def questions(settings: ProjectSettings, path: str, base: Path = Path()) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of a file, cleaned as the project's only source is, with those that cannot be read.

    The second frame has `_row`, `_rules`, `_reasons` and `_raw`. A project that merges several sources says
    by SQL what a row is, so its questions are expected in that form. Files that its rules name are relative to `base`.
    Raises `SourceError` when there is no such file.
    """
    source = SourceSettings(**{"from": path, "pii": settings.pii})
    if len(settings.sources) == 1 and settings.dataset is None:
        source = with_tables("questions", _asked(next(iter(settings.sources.values())), path), base)
    opened = open_source("questions", source, Path.cwd())
    known = set(opened.schema())
    source = _about(source, known)
    opened = open_source("questions", source, Path.cwd())
    for batch in opened.batches(None):
        rules = compile_rules("questions", source, dict(batch.frame.schema))
        split = rules.split(batch.frame, batch.first_row, misfits=batch.misfits)
        unread = unreadable(rules.privacy.unread(batch.refused))
        refused = pl.concat([split.refused, unread]) if unread.height else split.refused
        yield split.kept.drop("_row"), refused


def _asked(source: SourceSettings, path: str) -> SourceSettings:
    clean = tuple(step for step in source.clean if _ONLY_FOR_TABLES not in step)
    nothing: dict[str, Any] = {"checks": {}, "required": (), "unique": (), "references": {}, "key": None}
    return source.model_copy(update={"from_": path, "clean": clean, **nothing})


def _about(source: SourceSettings, known: set[str]) -> SourceSettings:
    """Leave out what the rules say of columns that are not asked, such as the target."""
    columns = {name: column for name, column in source.columns.items() if name in known}
    pii = {name: how for name, how in source.pii.items() if name in known}
    clean = tuple({rule: _only(told, known) for rule, told in step.items()} for step in source.clean)
    return source.model_copy(
        update={"columns": columns, "pii": pii, "clean": tuple(step for step in clean if any(step.values()))}
    )


def _only(told: Any, known: set[str]) -> Any:
    if isinstance(told, dict):
        return {name: value for name, value in told.items() if name in known}
    if isinstance(told, list | tuple):
        return [name for name in told if name in known]
    return told
