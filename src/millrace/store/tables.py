"""Tables that take each commit exactly once, whoever is killed, repeats or writes at the same time.

The loop of every writer, with the number of its commit from `store.receipts`:

    load a snapshot → its number is mine? done → write on that very snapshot → an error? load again and compare

Delta refuses a commit whose application transaction changed since the snapshot it is based on; it does not compare
numbers itself, and it may report an error after the commit landed. Both comparisons are made here.
See docs/decisions/2026-11-23-exactly-once.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from millrace.errors import DataError, RemoteError
from millrace.records.batch import Position
from millrace.store import receipts
from millrace.store.delta import OPTIONS, compact, opened, scanned
from millrace.store.exchange import exchanged
from millrace.store.objects import Store
from millrace.store.positions import LongTexts
from millrace.store.remote import said

#: Columns that Millrace adds to the rows of a source.
BOOKKEEPING = ("_run", "_origin", "_row")
_TRIES = 3
#: By so many rows it is judged whether the values of a column repeat.
_SAMPLE_ROWS = 10_000
_WRITER = WriterProperties(compression="ZSTD", compression_level=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a table, to read from and to write on; `delta` is None before the first commit.

    `number` is that of the last commit by `Table.append`, 0 before the first.
    """

    delta: DeltaTable | None
    number: int

    @property
    def version(self) -> int:
        """The version of the table; -1 when there is none yet."""
        return -1 if self.delta is None else self.delta.version()

    @property
    def rows(self) -> int:
        """How many rows the table has, as its log says."""
        return (
            0
            if self.delta is None
            else int(pl.DataFrame(self.delta.get_add_actions(flatten=True))["num_records"].sum())
        )

    def schema(self, *, bookkeeping: bool = False) -> dict[str, pl.DataType]:
        """The columns written down at the first commit; empty when there is no table yet."""
        if self.delta is None:
            return {}
        every = pl.Schema(self.delta.schema())
        return {name: dtype for name, dtype in every.items() if bookkeeping or name not in BOOKKEEPING}

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily, with all their columns. Raises `DataError` when there is no table yet."""
        if self.delta is None:
            raise DataError("This table does not exist yet.", code="data.empty", next_step="millrace ingest")
        return scanned(self.delta)


def _written_as(rows: pl.DataFrame) -> WriterProperties:
    """How the columns are encoded: a dictionary is built in vain, and at a price, where most values differ."""
    sample = rows.head(_SAMPLE_ROWS)
    distinct = [name for name in rows.columns if 2 * sample[name].n_unique() > sample.height]
    plain = ColumnProperties(dictionary_enabled=False)
    steps = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    whole, schema = (pl.Int64, pl.Datetime), rows.schema
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        column_properties={name: steps if schema[name] in whole else plain for name in distinct},
    )


class Table:
    """The rows of one source at ``tables/<source>``, or of another kind at another key, as a Delta table.

    Examples
    --------
    >>> import tempfile
    >>> table = Table(Store(tempfile.mkdtemp()), "tables/customers")
    >>> after = table.append(table.snapshot(), pl.DataFrame({"tenure": [1, 2]}), number=1 << 32)
    >>> again = table.append(after, pl.DataFrame({"tenure": [1, 2]}), number=1 << 32)
    >>> table.read()["tenure"].to_list(), table.version() == after.version == again.version
    ([1, 2], True)
    """

    def __init__(self, store: Store, key: str) -> None:
        self.store = store
        self.key = key
        self.name = key.rsplit("/", 1)[-1]
        self._at = store.at(key)

    def __repr__(self) -> str:
        return f"Table({self._at!r})"

    @property
    def exists(self) -> bool:
        """Whether anything was ever committed here."""
        return DeltaTable.is_deltatable(self._at, dict(OPTIONS))

    def version(self) -> int:
        """The newest version; -1 when there is no table yet."""
        return self.snapshot().version

    def position(self) -> Position | None:
        """How far the source had been read at the newest commit; None before the first."""
        last = self.snapshot().number
        if not last:
            return None
        return LongTexts(self.store, self.name).whole(receipts.read(self.store, self.name, last).position)

    def snapshot(self, version: int | None = None) -> Snapshot:
        """The newest version, or an older one. Raises `RemoteError` when the store does not answer."""
        try:
            delta = opened(self._at, version)
            return Snapshot(None, 0) if delta is None else self._as_snapshot(delta)
        except (DeltaError, OSError) as error:
            raise RemoteError(f"The table cannot be opened: {said(error)}.", where=self.key) from error

    def read(self, version: int | None = None, *, bookkeeping: bool = False) -> pl.DataFrame:
        """The rows of a version in the order of their origins, without the bookkeeping columns unless asked.

        Raises `DataError` when nothing was ever committed.
        """
        rows = self.snapshot(version).scan()
        order = [column for column in ("_origin", "_row") if column in rows.collect_schema()]
        rows = rows.sort(order, maintain_order=True) if order else rows
        return rows.select(pl.all() if bookkeeping else pl.exclude(BOOKKEEPING)).collect()

    def append(
        self, at: Snapshot, rows: pl.DataFrame, number: int, metadata: Mapping[str, str] | None = None
    ) -> Snapshot:
        """Commit `rows`, possibly none, as commit `number` on top of `at`, and give what then stands.

        Columns that the table lacks are added to it by the same commit; the rows before have no value there.

        The result's number is `number` when the commit took effect, by this call or an earlier one; anything else means
        that another writer's commit came first and nothing of this one was written. Raises `RemoteError` when the store
        refuses to write.
        """
        return self._commit(at, number, lambda at: self._write(at, rows, number, metadata, replace=False))

    def exchange(
        self,
        at: Snapshot,
        gone: pl.DataFrame,
        rows: pl.DataFrame,
        number: int,
        metadata: Mapping[str, str] | None = None,
    ) -> Snapshot:
        """Do as `append` does; by the same commit the rows at the places `gone` (`BOOKKEEPING`) leave the table.

        What was decided on `at` holds for `at` alone: where any commit came first, such as one that joined files, the
        result's number is not `number`, nothing was written, and it has to be decided anew.
        """
        if gone.is_empty():
            return self.append(at, rows, number, metadata)
        properties = self._properties(number, metadata)

        def write(on: Snapshot) -> Snapshot:
            assert on.delta is not None
            exchanged(on.delta, gone, rows, _written_as(rows) if rows.height else _WRITER, properties)
            return self._as_snapshot(on.delta)

        return self._commit(at, number, write, exactly=True)

    def replace(
        self, at: Snapshot, rows: pl.DataFrame, number: int, metadata: Mapping[str, str] | None = None
    ) -> Snapshot:
        """Do as `append` does, with `rows` in the place of all rows before, whose columns may be others.

        Older versions keep the rows they had.
        """
        return self._commit(at, number, lambda at: self._write(at, rows, number, metadata, replace=True))

    def compact(self, tell: Callable[[str], None] = lambda _: None) -> int:
        """Join the small files of many commits once there are enough of them; give how many were joined.

        Versions and commits stay what they were. Raises `RemoteError` when the store refuses.
        """
        try:
            return compact(self._at, _WRITER, tell)
        except (DeltaError, OSError) as error:
            raise RemoteError(
                f"The small files of the table could not be joined: {said(error)}. No row is lost.", where=self.key
            ) from error

    def _commit(
        self, at: Snapshot, number: int, write: Callable[[Snapshot], Snapshot], *, exactly: bool = False
    ) -> Snapshot:
        """Try to `write` on top of `at`; `exactly` there, or on what other than numbered commits made of it."""
        base, version = at.number, at.version
        for _ in range(_TRIES):
            if at.number == number or at.number != base or (exactly and at.version != version):
                return at
            try:
                return write(at)
            except (DeltaError, OSError) as error:
                failure, at = error, self.snapshot()
        if at.number != base or (exactly and at.version != version):
            return at
        raise RemoteError(
            f"The table could not be written: {said(failure)}. Nothing of this batch took effect; "
            "what was committed is safe.",
            where=self.key,
            next_step="mend the cause and run the same command again; it continues where it stopped",
        )

    def _write(
        self, at: Snapshot, rows: pl.DataFrame, number: int, metadata: Mapping[str, str] | None, *, replace: bool
    ) -> Snapshot:
        delta = at.delta
        if delta is None:
            delta = DeltaTable.create(
                self._at, rows.schema, mode="ignore", name=self.name, storage_options=dict(OPTIONS)
            )
            if (found := self._as_snapshot(delta)).number != at.number:
                return found
        wider = not replace and set(rows.columns) - set(pl.Schema(delta.schema()))
        write_deltalake(
            delta,
            rows,
            mode="overwrite" if replace else "append",
            schema_mode="overwrite" if replace else "merge" if wider else None,
            writer_properties=_written_as(rows),
            commit_properties=self._properties(number, metadata),
        )
        return self._as_snapshot(delta)

    def _properties(self, number: int, metadata: Mapping[str, str] | None) -> CommitProperties:
        return CommitProperties(app_transactions=[Transaction(self.name, number)], custom_metadata=dict(metadata or {}))

    def _as_snapshot(self, delta: DeltaTable) -> Snapshot:
        return Snapshot(delta, delta.transaction_version(self.name) or 0)
