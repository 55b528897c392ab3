"""Write-ahead segments: where answered predictions and feedback rest until they are settled into tables.

A serving process appends records to ``<worker>/<n>.open``, later ``.seg``: four bytes of length, four of CRC-32, then
the payload. A record is handed to the operating system before the answer leaves, so the death of the process loses
nothing; a thread brings it to the disk within `SYNC_SECONDS`, so the death of the machine loses no more than that.
The worker holds a lock on its folder while it lives; all but its open segment are sealed, and all of them once
the lock is free.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from millrace.errors import DataError

SYNC_SECONDS = 0.1
SEAL_SECONDS = 1.0
SEAL_BYTES = 8 * 1024 * 1024
_HEADER = struct.Struct("<II")
_LOCK = "lock"
_OPEN = ".open"
_SEALED = ".seg"


class SegmentWriter:
    """Appends records for one process; sealed by size and age. `opening` gives the first record of every segment.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with SegmentWriter(folder, lambda: b"who writes") as writer:
    ...     writer.append(b"one")
    >>> [list(records(path)) for path in sealed(folder / writer.worker)]
    [[b'who writes', b'one']]
    """

    def __init__(self, folder: Path, opening: Callable[[], bytes]) -> None:
        self.worker = f"{time.time_ns():016x}-{os.urandom(4).hex()}"
        self._folder = folder / self.worker
        self._lock_file = _locked_folder(self._folder)
        self._opening = opening
        self._number = 0
        self._file = -1
        self._size = 0
        self._opened = 0.0
        self._retired: list[int] = []
        self._guard = threading.Lock()
        self._syncing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="segment-writer", daemon=True)
        self._thread.start()

    def append(self, payload: bytes) -> None:
        """Hand one record to the operating system; OSError when it cannot take it (the disk is full)."""
        record = _framed(payload)
        with self._guard:
            if self._file < 0:
                self._open()
            self._write(record)
            if self._size >= SEAL_BYTES:
                self._seal()

    def sync(self) -> None:
        """Return once every record appended so far is on the disk. Appending goes on meanwhile."""
        # One after another: who comes second must not return while the first still waits for the disk.
        with self._syncing:
            with self._guard:
                waiting, self._retired = self._retired, []
                if self._file >= 0:
                    waiting.append(os.dup(self._file))
            for file in waiting:
                os.fsync(file)
                os.close(file)

    def seal(self) -> None:
        """End the current segment, so that the next record opens another."""
        with self._guard:
            if self._file >= 0:
                self._seal()

    def close(self) -> None:
        """Seal what is open and let go of the folder."""
        self._stop.set()
        self._thread.join()
        self.seal()
        self.sync()
        os.close(self._lock_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._number += 1
        self._file = os.open(self._path(_OPEN), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        self._size, self._opened = 0, time.monotonic()
        try:
            self._write(_framed(self._opening()))
        except BaseException:
            # Records without the opening would be nobody's: the next one opens anew.
            os.close(self._file)
            self._file = -1
            self._path(_OPEN).unlink()
            raise

    def _write(self, record: bytes) -> None:
        written = os.write(self._file, record)
        if written < len(record):
            # Half a record would hide every later one, so the file is cut back to its last whole record.
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, "the prediction log cannot be written")
        self._size += written

    def _seal(self) -> None:
        self._path(_OPEN).rename(self._path(_SEALED))
        self._retired.append(self._file)
        self._file = -1

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._number:08d}{suffix}"

    def _tend(self) -> None:
        """Bring records to the disk, and seal a segment that has waited long enough."""
        while not self._stop.wait(SYNC_SECONDS):
            with self._guard:
                if self._file >= 0 and time.monotonic() - self._opened >= SEAL_SECONDS:
                    self._seal()
            self.sync()


def number(segment: Path) -> int:
    """Which segment of its worker this is, from 1."""
    return int(segment.stem)


def sealed(worker: Path) -> tuple[Path, ...]:
    """The segments of one worker that will not grow any more, oldest first."""
    # Asked first: what a process wrote before it was found gone is all it will ever write.
    suffixes = {_SEALED, _OPEN} if abandoned(worker) else {_SEALED}
    return tuple(sorted(path for path in worker.iterdir() if path.suffix in suffixes))


def growing(worker: Path) -> tuple[Path, ...]:
    """The segments that a living process still writes to; sealing one renames it."""
    return () if abandoned(worker) else tuple(path for path in worker.iterdir() if path.suffix == _OPEN)


def workers(folder: Path) -> tuple[Path, ...]:
    """The folders of all processes that wrote here, oldest first."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))


def abandoned(worker: Path) -> bool:
    """Whether the process that wrote the folder is gone."""
    lock = os.open(worker / _LOCK, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def records(segment: Path) -> Iterator[bytes]:
    """The payloads of a segment, in order; an incomplete last record, cut off by a crash, is left out.

    Raises `DataError` when a record before the last is damaged.
    """
    content = segment.read_bytes()
    position = 0
    while position < len(content):
        length, checksum = _HEADER.unpack_from(content.ljust(position + _HEADER.size, b"\0"), position)
        start = position + _HEADER.size
        payload = content[start : start + length]
        if not length or len(payload) < length or zlib.crc32(payload) != checksum:
            if start + length >= len(content) or not any(content[position:]):
                return
            raise DataError(
                f"The record at byte {position} is damaged.",
                where=str(segment),
                code="log.damaged",
                next_step=f"restore the file, or move it away: mv {segment} {segment}.damaged",
            )
        yield payload
        position = start + length


def discard(worker: Path, settled: Iterable[Path]) -> None:
    """Remove settled segments, and the folder of a process that is gone once it is empty."""
    for path in settled:
        path.unlink()
    if abandoned(worker) and [path.name for path in worker.iterdir()] == [_LOCK]:
        (worker / _LOCK).unlink()
        worker.rmdir()


def _framed(payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def _locked_folder(folder: Path) -> int:
    """Create a folder that is locked from the moment others can see it; give the lock's file."""
    hidden = folder.with_name(f".{folder.name}")
    hidden.mkdir(parents=True)
    lock = os.open(hidden / _LOCK, os.O_CREAT | os.O_RDWR, 0o640)
    fcntl.flock(lock, fcntl.LOCK_EX)
    hidden.rename(folder)
    return lock
