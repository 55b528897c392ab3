"""A Delta table that takes the answers to some rows exactly once, in one commit, however often that is tried.

The Parquet files are written first, each under a name of its own; one commit then adds them all, with an application
transaction for the job: a digest of what was asked, and who answered. Who dies before it leaves files that no version
names, and no rows; who is started again after it finds the job done.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Literal, Self
from uuid import uuid4

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from millrace.errors import MillraceError, RemoteError, UsageError
from millrace.store.delta import OPTIONS, opened
from millrace.store.objects import Store
from millrace.store.remote import local_or_url, said

#: What becomes of a table that holds other answers already.
Existing = Literal["refuse", "append", "replace"]

#: The application transactions of every job, and of the latest one that replaced all rows; one of each job besides.
_EVERY, _REPLACED = "millrace.predict", "millrace.predict.replaced"
_PART = "part-"
#: A file holds about so much in memory, a half or less of it on disk.
_FILE_BYTES = 128 << 20
_TRIES = 5
_DIGITS = 16


class AnswerTable:
    """The table at a folder or a URL, open for the answers of one job; files that no commit took go when it closes.

    `job` tells what was asked and who answers apart from all else; what becomes of it is a digest.

    Examples
    --------
    >>> import tempfile
    >>> at = tempfile.mkdtemp()
    >>> for _ in range(2):
    ...     with AnswerTable(at, "churn 3 of customers") as table:
    ...         if not table.done:
    ...             table.write(pl.DataFrame({"id": [1, 2], "label": ["no", "yes"]}))
    ...             version = table.commit()
    >>> pl.read_delta(at)["label"].to_list()
    ['no', 'yes']
    """

    def __init__(self, at: str, job: str, existing: Existing = "refuse") -> None:
        self.at = local_or_url(at)
        self.job = hashlib.sha256(job.encode()).hexdigest()[:_DIGITS]
        self._existing = existing
        self._files: list[AddAction] = []
        self._waiting: list[pl.DataFrame] = []
        self._schema: pl.Schema | None = None
        self._names = f"{_PART}{uuid4().hex}"
        self._attempted = False

    @property
    def done(self) -> bool:
        """Whether the answers of this job are in the table.

        Raises `UsageError` when they are not and cannot come there: something else is there, or answers of other jobs
        that are neither to be added to nor to be replaced.
        """
        self._free()
        delta = self._opened()
        return delta is not None and self._is_done(delta)

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows behind those before, for a later `commit`.

        Raises `UsageError` when the table has other columns, `RemoteError` when the place refuses to be written to.
        """
        if self._schema is None:
            self._schema = frame.schema
            self._fits(self._opened())
        self._waiting.append(frame)
        if sum(int(one.estimated_size()) for one in self._waiting) >= _FILE_BYTES:
            self._flush()

    def commit(self, told: Mapping[str, str] | None = None) -> int:
        """Let all rows appear at once, and give the version of the table; `told` stands in its history.

        Without any `write` nothing happens: -1. Raises `RemoteError` when the place refuses, `UsageError` as `done`.
        """
        self._flush()
        if self._schema is None:
            return -1
        failure: Exception | None = None
        for _ in range(_TRIES + 1):
            delta = self._opened()
            if delta is not None and self._is_done(delta):
                return delta.version()
            try:
                self._attempt(delta, self._schema, told or {})
            except (DeltaError, OSError) as error:  # another commit came first, or the answer was lost on its way
                failure = error
        raise self._refused(failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._files and not self._attempted:
            with suppress(MillraceError):  # files that no version names harm nothing
                Store(self.at).delete([file.path for file in self._files])

    def _attempt(self, delta: DeltaTable | None, schema: pl.Schema, told: Mapping[str, str]) -> None:
        self._attempted = True
        if delta is None:
            delta = DeltaTable.create(self.at, schema, mode="ignore", name=_EVERY, storage_options=dict(OPTIONS))
        anew = self._existing == "replace" or _empty(delta)
        ordinal = _number(delta, _EVERY) + 1
        names = (_EVERY, f"{_EVERY}.{self.job}", *([_REPLACED] if anew else ()))
        delta.create_write_transaction(
            list(self._files),
            mode="overwrite" if anew else "append",
            schema=schema,
            commit_properties=CommitProperties(
                app_transactions=[Transaction(name, ordinal) for name in names], custom_metadata=dict(told)
            ),
        )

    def _is_done(self, delta: DeltaTable) -> bool:
        """As `done` of a table that is there."""
        every, mine, replaced = (_number(delta, name) for name in (_EVERY, f"{_EVERY}.{self.job}", _REPLACED))
        if mine and (mine == every if self._existing == "replace" else mine >= replaced):
            return True
        if _empty(delta):
            return False
        if not every:
            raise self._taken("is a table that `millrace predict` did not make", "name another place")
        if self._existing == "refuse":
            raise self._taken("has other answers", "--append, --replace, or name another place")
        return False

    def _free(self) -> None:
        """Raise `UsageError` when what is at the place on this machine is no table."""
        path = Path(self.at)
        if "://" in self.at or not path.exists() or (path / "_delta_log").is_dir():
            return
        if not path.is_dir() or any(not one.name.startswith(_PART) for one in path.iterdir()):
            raise self._taken("is there already and is no Delta table", "name a folder that is not there")

    def _fits(self, delta: DeltaTable | None) -> None:
        """Raise `UsageError` when rows cannot be added for their columns."""
        if self._existing != "append" or delta is None or _empty(delta):
            return
        there, come = dict(pl.Schema(delta.schema())), dict(self._schema or {})
        if there != come:
            other = [name for name in {**there, **come} if there.get(name) != come.get(name)]
            told = ", ".join(f"`{one}` ({there.get(one, 'none')} there, {come.get(one, 'none')} now)" for one in other)
            raise self._taken(f"has other columns: {told}", "--replace, or name another place")

    def _flush(self) -> None:
        if not self._waiting:
            return
        frame, self._waiting = pl.concat(self._waiting), []
        content = BytesIO()
        frame.write_parquet(content, compression="zstd", compression_level=1)
        name = f"{self._names}-{len(self._files):05d}.parquet"
        Store(self.at).write(name, content.getvalue())
        rows = json.dumps({"numRecords": frame.height})
        self._files.append(AddAction(name, content.tell(), {}, int(time.time() * 1000), True, rows))

    def _opened(self) -> DeltaTable | None:
        try:
            return opened(self.at)
        except (DeltaError, OSError) as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception | None) -> RemoteError:
        why = "other commits came first" if error is None else said(error)
        return RemoteError(
            f"The answers cannot be written: {why}. Not one row took effect.",
            where=self.at,
            next_step="mend the cause and run the same command again",
        )

    def _taken(self, why: str, step: str) -> UsageError:
        return UsageError(f"`{self.at}` {why}. Nothing was written.", where="--to", code="usage.exists", next_step=step)


def _number(delta: DeltaTable, name: str) -> int:
    """The ordinal of a transaction's latest commit; 0 before the first."""
    return delta.transaction_version(name) or 0


def _empty(delta: DeltaTable) -> bool:
    """Whether it is a table for answers that waits for its first rows, such as who died just then left."""
    return delta.metadata().name == _EVERY and not _number(delta, _EVERY)
