"""Files in an object store: found by listing, read from a copy that is kept no longer than it is needed.

A glob reads a listing as it does a folder: ``*`` and ``?`` stay within a name, ``**`` stands for any folders. A file is
recognised by its size and the store's tag of its content, so one that changes after it was listed is never read half
old and half new.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import PreconditionError

from millrace.errors import SourceError, nearest
from millrace.sources.files.paths import FileAt
from millrace.sources.files.spool import Spool
from millrace.store.remote import answering, connect

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: So many bytes are asked for at a time, by so many requests at once.
_PIECE = 8 << 20
_REQUESTS = 4


class RemotePlace:
    """An object, or a glob over objects, in S3, Google Cloud Storage or Azure."""

    def __init__(self, url: str, where: str) -> None:
        self._url = url
        self._where = where
        self._root, self._pattern = _split(url)
        self._spool = Spool()

    @cached_property
    def _objects(self) -> ObjectStore:
        return connect(self._root, self._where)

    def files(self) -> tuple[FileAt, ...]:
        """The objects that are there now, by name. Raises `SourceError` when there is none."""
        with answering(f"`{self._url}` cannot be listed", self._where):
            entries = self._listed() if glob.has_magic(self._pattern) else self._named()
        if not entries:
            raise self._nothing()
        fixed = len(_fixed(self._pattern))
        return tuple(
            FileAt(path[fixed:], f"{self._root}/{path}", path, f"{entry['size']}-{_tag(entry)}")
            for path, entry in sorted((str(entry["path"]), entry) for entry in entries)
        )

    def fingerprint(self, file: FileAt) -> str:
        """Size and the store's tag."""
        return str(file.version)

    def fresh(self, file: FileAt, seconds: float) -> bool:
        """Never: an object is there as a whole, or not at all."""
        del file, seconds
        return False

    @contextmanager
    def local(self, file: FileAt) -> Iterator[Path]:
        """A copy of the object. Raises `SourceError` when it is no longer what was listed."""
        with self._spool.kept(f"{file.address} {file.version}", file.address, lambda to: self._fetch(file, to)) as copy:
            try:
                yield copy
            except SourceError as error:
                if error.where == str(copy):
                    error.where = file.origin
                raise

    def _listed(self) -> list[Any]:
        fixed = _fixed(self._pattern)
        wanted = self._pattern.split("/")
        if len(wanted) == fixed.count("/") + 1:
            found: Any = obstore.list_with_delimiter(self._objects, prefix=fixed)["objects"]
        else:
            found = obstore.list(self._objects, prefix=fixed).collect()
        return [entry for entry in found if matches(str(entry["path"]).split("/"), wanted)]

    def _named(self) -> list[Any]:
        try:
            return [obstore.head(self._objects, self._pattern)]
        except FileNotFoundError:
            return []

    def _fetch(self, file: FileAt, to: Path) -> None:
        size, _, tag = str(file.version).partition("-")

        def piece(start: int) -> bytes:
            end = min(start + _PIECE, int(size))
            with answering(f"Reading `{file.origin}` broke off", self._where):
                options: Any = {"range": (start, end), "if_match": _quoted(tag)}
                return bytes(obstore.get(self._objects, file.address, options=options).bytes())

        try:
            with ThreadPoolExecutor(_REQUESTS, thread_name_prefix="fetch") as requests, to.open("wb") as copy:
                starts = range(0, int(size), _PIECE)
                for first in range(0, len(starts), _REQUESTS):
                    copy.writelines(requests.map(piece, starts[first : first + _REQUESTS]))
        except Exception as error:
            if isinstance(error.__cause__, (PreconditionError, FileNotFoundError)):
                raise SourceError(
                    f"`{file.origin}` was replaced or removed while it was about to be read.",
                    where=self._where,
                    code="source.file-changed",
                    next_step="run the same command again; it reads what is there then",
                ) from error
            raise

    def _nothing(self) -> SourceError:
        folder = _fixed(self._pattern)
        with answering(f"`{self._url}` cannot be listed", self._where):
            entries: Any = obstore.list_with_delimiter(self._objects, prefix=folder)
        names = [str(entry["path"])[len(folder) :] for entry in entries["objects"]]
        names += [f"{str(prefix)[len(folder) :].strip('/')}/" for prefix in entries["common_prefixes"]]
        return SourceError(
            f"Nothing is at `{self._url}`.",
            where=self._where,
            code="source.missing",
            allowed=sorted(names)[:12],
            nearest=nearest(self._pattern.rpartition("/")[2], names),
            next_step="correct `from`, such as s3://bucket/folder/*.csv",
        )


def matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a glob.

    Examples
    --------
    >>> matches(["raw", "2026", "a.csv"], ["raw", "*", "*.csv"]), matches(["raw", "a.csv"], ["raw", "**", "*.csv"])
    (True, True)
    >>> matches(["raw", "2026", "a.csv"], ["raw", "*.csv"])
    False
    """
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(matches(path[skipped:], pattern[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and matches(path[1:], pattern[1:])


def _split(url: str) -> tuple[str, str]:
    """The bucket's URL, and the path in it."""
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    return f"{scheme.lower()}://{bucket}", path


def _fixed(pattern: str) -> str:
    """The folders before the first wildcard, or those of a path that has none; empty, or with a slash at the end."""
    folders = pattern.split("/")[:-1]
    fixed = next((folders[:i] for i, part in enumerate(folders) if glob.has_magic(part)), folders)
    return "".join(f"{part}/" for part in fixed)


def _tag(entry: Any) -> str:
    return str(entry["e_tag"]).strip('"')


def _quoted(tag: str) -> str:
    """A tag as a request names it; Azure's stand without quotes in a listing, and are the same with them."""
    return f'"{tag}"'
