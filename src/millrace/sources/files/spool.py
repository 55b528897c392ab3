"""Copies of remote files on this machine: made once, shared by who reads them at the same time, bounded in total."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from millrace.errors import SourceError
from millrace.sources.scratch import Scratch

#: Copies that nobody reads just now may take so much of the disk, for the case that they are read again.
IDLE_BYTES = 1 << 30


@dataclass(slots=True)
class _Copy:
    path: Path
    users: int = 0
    bytes: int = 0
    made: threading.Lock = field(default_factory=threading.Lock)


class Spool:
    """Copies by name; those that were read longest ago go first.

    Examples
    --------
    >>> spool = Spool()
    >>> with spool.kept("bucket/a.csv 1", "a.csv", lambda to: to.write_text("id")) as copy:
    ...     copy.name, copy.read_text()
    ('a.csv', 'id')
    """

    def __init__(self, idle_bytes: int = IDLE_BYTES) -> None:
        self._idle_bytes = idle_bytes
        self._scratch = Scratch()
        self._copies: dict[str, _Copy] = {}
        self._guard = threading.Lock()

    @contextmanager
    def kept(self, name: str, file: str, fetch: Callable[[Path], object]) -> Iterator[Path]:
        """The copy called `name`, which `fetch` writes if there is none; it stays while the block lasts.

        The copy has the name of `file`, whose ending tells the format. Raises `SourceError` when the disk is full.
        """
        copy = self._taken(name, file)
        try:
            with copy.made:
                if not copy.path.exists():
                    self._make(copy, fetch)
            yield copy.path
        finally:
            with self._guard:
                copy.users -= 1
                self._shrink()

    def _taken(self, name: str, file: str) -> _Copy:
        with self._guard:
            # Taken out and put in again, so that the dictionary's order is that of the last use.
            copy = self._copies.pop(name, None) or _Copy(self._scratch.place(file.rpartition("/")[2]))
            self._copies[name] = copy
            copy.users += 1
            return copy

    def _make(self, copy: _Copy, fetch: Callable[[Path], object]) -> None:
        partial = copy.path.with_name(f"{copy.path.name}.partial")
        try:
            fetch(partial)
            partial.rename(copy.path)
            copy.bytes = copy.path.stat().st_size
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise
            raise SourceError(
                f"There is no room for a copy of `{copy.path.name}` in {tempfile.gettempdir()}: {error.strerror}.",
                where="sources",
                code="source.spool",
                next_step="set TMPDIR to a folder with more room",
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def _shrink(self) -> None:
        idle = {name: copy for name, copy in self._copies.items() if not copy.users}
        surplus = sum(copy.bytes for copy in idle.values()) - self._idle_bytes
        for copy in idle.values():
            if surplus <= 0:
                return
            surplus -= copy.bytes
            copy.bytes = 0
            copy.path.unlink(missing_ok=True)
