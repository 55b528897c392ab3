"""Which files a path or a glob means, and how to recognise a file again."""

from __future__ import annotations

import glob
import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from millrace.errors import SourceError, nearest

_SAMPLE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class FileAt:
    """One file that `from` means.

    `key` is its name relative to the part of `from` before the first wildcard, `origin` its name for people, `address`
    where its place finds it; `version` is what an object store calls its content, None for a local file.
    """

    key: str
    origin: str
    address: str
    version: str | None = None


class Place(Protocol):
    """Where files are."""

    def files(self) -> tuple[FileAt, ...]:
        """The files that are there now, by name. Raises `SourceError` when there is none."""

    def fingerprint(self, file: FileAt) -> str:
        """What the content of a file is recognised by: ``bytes-hash``."""

    def fresh(self, file: FileAt, seconds: float) -> bool:
        """Whether the file changed less than `seconds` ago, so that somebody may still be writing it."""

    def local(self, file: FileAt) -> AbstractContextManager[Path]:
        """The file as one on this machine, for as long as the block lasts."""


class LocalPlace:
    """A path or a glob, relative to the folder `base`."""

    def __init__(self, location: str, base: Path, where: str) -> None:
        self._location = location
        self._base = base
        self._where = where

    def files(self) -> tuple[FileAt, ...]:
        """The files that are there now, by name. Raises `SourceError` when there is none."""
        fixed = fixed_part(self._base / self._location)
        return tuple(
            FileAt(path.relative_to(fixed).as_posix(), self._origin(path), str(path))
            for path in found(self._location, self._base, self._where)
        )

    def fingerprint(self, file: FileAt) -> str:
        """Size and a hash of head and tail."""
        return fingerprint(Path(file.address))

    def fresh(self, file: FileAt, seconds: float) -> bool:
        """Whether the file was written less than `seconds` ago; a time in the future is none."""
        return 0 <= time.time() - Path(file.address).stat().st_mtime < seconds

    @contextmanager
    def local(self, file: FileAt) -> Iterator[Path]:
        """The file itself."""
        yield Path(file.address)

    def _origin(self, path: Path) -> str:
        return (path.relative_to(self._base) if path.is_relative_to(self._base) else path).as_posix()


def found(location: str, base: Path, where: str) -> tuple[Path, ...]:
    """The files that `location`, relative to `base`, means, sorted. Raises `SourceError` when there is none.

    As in a shell, a wildcard does not mean hidden files: what other programs leave there for a while.
    """
    pattern = base / location
    if pattern.is_file():
        return (pattern,)
    fixed = fixed_part(pattern)
    if glob.has_magic(location) and fixed.is_dir():
        matches = fixed.glob(pattern.relative_to(fixed).as_posix())
        hidden = pattern.name.startswith(".")
        if files := sorted(path for path in matches if path.is_file() and hidden == path.name.startswith(".")):
            return tuple(files)
    if pattern.is_dir():
        seen, step = f"`{location}` is a folder.", f"name its files, such as {location.rstrip('/')}/*.csv"
    else:
        seen, step = f"Nothing is at `{location}`.", "correct `from`; paths start from the project file's folder"
    beside = sorted(entry.name for entry in pattern.parent.iterdir()) if pattern.parent.is_dir() else []
    raise SourceError(
        seen,
        where=where,
        code="source.missing",
        allowed=beside[:12],
        nearest=nearest(pattern.name, beside),
        next_step=step,
    )


def fixed_part(pattern: Path) -> Path:
    """The part of a path before its first wildcard; the folder of a path that has none.

    Examples
    --------
    >>> fixed_part(Path("data/2024-*/part.csv")).as_posix(), fixed_part(Path("data/a.csv")).as_posix()
    ('data', 'data')
    """
    wild = next((i for i, part in enumerate(pattern.parts) if glob.has_magic(part)), len(pattern.parts) - 1)
    return Path(*pattern.parts[:wild])


def fingerprint(path: Path) -> str:
    """Size and a hash of the first and last 64 KB of a file: ``bytes-hash``."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        digest = hashlib.blake2b(handle.read(_SAMPLE_BYTES), digest_size=8)
        handle.seek(max(0, size - _SAMPLE_BYTES))
        digest.update(handle.read(_SAMPLE_BYTES))
    return f"{size}-{digest.hexdigest()}"
