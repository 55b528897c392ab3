"""Delta tables whose rows are to be answered: which one a word means, and its rows a batch at a time."""

from __future__ import annotations

import glob
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import DataError, RemoteError, UsageError, nearest
from millrace.records.batch import Batch
from millrace.sources.base import refused
from millrace.sources.columnar import found_types, part, plain_frame
from millrace.sources.streaming import fitting
from millrace.store.delta import opened, scanned
from millrace.store.objects import Store
from millrace.store.remote import is_remote, local_or_url, said
from millrace.store.tables import BOOKKEEPING

#: Folders of a store whose tables can be asked for by their keys.
_KEPT = ("tables", "datasets")
_MOST_ROWS = 500_000
#: About what a value takes in memory.
_VALUE_BYTES = 8


@dataclass(frozen=True, slots=True)
class AskedTable:
    """One version of a Delta table; `clean` where the project's rules went over its rows already."""

    delta: DeltaTable
    clean: bool

    @property
    def identity(self) -> str:
        """What tells this version of this table apart from all others."""
        return f"{self.delta.metadata().id} {self.delta.version()}"

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where the table's log does not say."""
        numbers = pl.DataFrame(self.delta.get_add_actions(flatten=True))
        if "num_records" not in numbers.columns or numbers["num_records"].null_count():
            return None
        return int(numbers["num_records"].sum())

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, without those that Millrace adds."""
        return tuple(name for name in pl.Schema(self.delta.schema()) if name not in BOOKKEEPING)

    def frames(self) -> Generator[pl.DataFrame]:
        """The rows in the order in which the table's log lists its files. Raises `RemoteError` when one is gone."""
        size = fitting(_MOST_ROWS, _VALUE_BYTES * max(1, len(self.columns)))
        try:
            yield from scanned(self.delta).select(self.columns).collect_batches(chunk_size=size, lazy=True)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise RemoteError(f"The table cannot be read: {said(error)}.", where=self.delta.table_uri) from error

    def batches(self, settings: SourceSettings) -> Iterator[Batch]:
        """The same as a source delivers rows: each column of a type that Millrace has, as `settings` state it."""
        kinds, row = dict[str, ColumnType](), 1
        with closing(self.frames()) as frames:
            for frame in frames:
                plain = plain_frame(frame)
                kinds = kinds or found_types(plain, settings, self.delta.table_uri)
                one = part(plain, kinds, settings, self.delta.table_uri)
                odd = one.misfits if one.misfits.height else None
                yield Batch(one.frame, refused(), self.delta.table_uri, row, {}, misfits=odd)
                row += frame.height


def asked_table(sources: Mapping[str, SourceSettings], store: Store, asked: str) -> AskedTable | None:
    """The newest version of the table that `asked` means; None where it means files or another place for rows.

    It may be the name of a source, the key of a table in the store (``datasets/churn``), a folder or a URL. Raises
    `DataError` for a source without rows, `UsageError` for a word that means nothing, and a folder that is no table.
    """
    if asked in sources:
        delta = _opened(store.at(f"tables/{asked}"))
        if delta is None:
            seen = f"Nothing was ingested yet from {asked}."
            raise DataError(seen, where="predict", code="data.empty", next_step=f"millrace ingest {asked}")
        return AskedTable(delta, clean=True)
    kept = asked.partition("/")[0] in _KEPT and "/" in asked and not glob.has_magic(asked)
    if kept and (delta := _opened(store.at(asked))) is not None:
        return AskedTable(delta, clean=True)
    if is_remote(asked) and not PurePosixPath(asked).suffix and not glob.has_magic(asked):
        delta = _opened(local_or_url(asked))
        if delta is None:
            raise _unknown(f"No Delta table is at `{asked}`.", sources)
        return AskedTable(delta, clean=False)
    if "://" in asked or glob.has_magic(asked):
        return None
    if Path(asked).is_dir():
        delta = _opened(local_or_url(asked))
        if delta is None:
            step = f"name its files, such as {asked.rstrip('/')}/*.csv"
            raise UsageError(f"`{asked}` is a folder, and no Delta table.", where="predict", next_step=step)
        return AskedTable(delta, clean=False)
    if not Path(asked).exists() and not Path(asked).suffix:
        raise _unknown(f"`{asked}` is neither a file nor a table.", sources, nearest(asked, sources))
    return None


def _opened(at: str) -> DeltaTable | None:
    try:
        return opened(at)
    except (DeltaError, OSError) as error:
        raise RemoteError(f"The table cannot be opened: {said(error)}.", where=at) from error


def _unknown(seen: str, sources: Mapping[str, SourceSettings], guess: str | None = None) -> UsageError:
    allowed = [*sources, "tables/… or datasets/… of the store", "a file, a glob, or the folder or URL of a Delta table"]
    return UsageError(seen, where="predict", code="usage.rows", allowed=allowed, nearest=guess)
