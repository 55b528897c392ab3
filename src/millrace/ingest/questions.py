"""Rows to be answered rather than kept: the same reading and cleaning as in training, no checks, every row counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from millrace.config.schema import ProjectSettings, SourceSettings
from millrace.ingest.asked_tables import AskedTable, asked_table
from millrace.ingest.compiling import compile_rules
from millrace.ingest.mapping import with_tables
from millrace.ingest.reasons import unreadable
from millrace.records.batch import Batch
from millrace.sources import open_source
from millrace.sources.base import Recognizable, refused
from millrace.store.objects import Store

#: Where a table is distinct, a question may be asked twice.
_ONLY_FOR_TABLES = "drop_duplicates"


@dataclass(frozen=True, slots=True)
class Questions:
    """Rows to be answered, in batches: those that can be, and those that cannot.

    The second frame of a batch has `_row`, `_rules`, `_reasons` and `_raw`. `columns` are those that rows may have
    before they are cleaned. `rows` is how many there are, None where that is not known before. `identity` tells the
    rows, and how they are cleaned, apart from all others; None where nothing does before they are read.
    """

    batches: Iterator[tuple[pl.DataFrame, pl.DataFrame]]
    columns: frozenset[str]
    identity: str | None
    rows: int | None = None


def questions(settings: ProjectSettings, store: Store, asked: str, base: Path = Path()) -> Questions:
    """The rows of a file, a glob or a Delta table, cleaned as the project's only source is.

    A table of the project's own is taken as it is: its rows were cleaned when they came. A project that merges several
    sources says by SQL what a row is, so its questions are expected in that form. Files that its rules name are
    relative to `base`. Raises `SourceError` when there is no such file, `UsageError` or `DataError` as `asked_table`.
    """
    table = asked_table(settings.sources, store, asked)
    if table is not None and table.clean:
        return Questions(_as_they_are(table), frozenset(table.columns), table.identity, table.rows)
    source = SourceSettings(**{"from": asked, "pii": settings.pii})
    if len(settings.sources) == 1 and settings.dataset is None:
        source = with_tables("questions", _asked(next(iter(settings.sources.values())), asked), base)
    if table is not None:
        source = _about(source, set(table.columns))
        batches = _cleaned(source, table.batches(source))
        return Questions(batches, frozenset(table.columns), _told(table.identity, source), table.rows)
    # Asked without what is stated of columns: of those that no question has, such as the target, nothing holds.
    bare = source.model_copy(update={"columns": {}})
    known = set(open_source("questions", bare, Path.cwd()).schema())
    source = _about(source, known)
    opened = open_source("questions", source, Path.cwd())
    identity = _told(opened.fingerprints(), source) if isinstance(opened, Recognizable) else None
    return Questions(_cleaned(source, opened.batches(None)), frozenset(known), identity)


def _as_they_are(table: AskedTable) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    nothing = unreadable(refused())
    return ((frame, nothing) for frame in table.frames())


def _cleaned(source: SourceSettings, batches: Iterable[Batch]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for batch in batches:
        rules = compile_rules("questions", source, dict(batch.frame.schema))
        split = rules.split(batch.frame, batch.first_row, misfits=batch.misfits)
        unread = unreadable(rules.privacy.unread(batch.refused))
        aside = pl.concat([split.refused, unread]) if unread.height else split.refused
        yield split.kept.drop("_row"), aside


def _told(rows: object, source: SourceSettings) -> str:
    """What rows these are, and what is done to them, as text."""
    return msgspec.json.encode([rows, source.model_dump(mode="json")], order="sorted").decode()


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
