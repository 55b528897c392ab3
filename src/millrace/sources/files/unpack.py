"""The bytes inside a compressed file, and when they are refused: a bomb, a path that climbs out, several files."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from millrace.errors import MissingExtraError, SourceError

#: Endings of compressed files; what stands before them tells the format.
COMPRESSIONS = (".gz", ".zip", ".zst")

#: A file that unpacks to more than this, and to more than `_BOMB_RATIO` times its size, is taken for a bomb.
_BOMB_BYTES = 64 << 20
_BOMB_RATIO = 250
#: How many bytes are unpacked at a time.
PIECE = 1 << 20


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed by its ending.

    Raises `SourceError` when the archive is broken or refused, `MissingExtraError` where Zstandard is not installed.
    """
    ending = path.suffix.lower()
    try:
        if ending == ".gz":
            with gzip.open(path, "rb") as handle:
                yield cast("IO[bytes]", handle)
        elif ending == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive)) as handle:
                yield handle
        elif ending == ".zst":
            with path.open("rb") as packed, _zstd(packed) as handle:
                yield handle
        else:
            with path.open("rb") as handle:
                yield handle
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, RuntimeError, NotImplementedError) as error:
        raise SourceError(
            f"`{path.name}` cannot be unpacked: {error}.",
            where=str(path),
            code="source.archive",
            next_step="check that the file is complete and not encrypted",
        ) from error


def pieces(path: Path) -> Iterator[bytes]:
    """The decompressed bytes, a piece at a time. Raises `SourceError` at a decompression bomb."""
    limit = max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size)
    packed = path.suffix.lower() in COMPRESSIONS
    with unpacked(path) as handle:
        read = 0
        while piece := handle.read(PIECE):
            read += len(piece)
            if packed and read > limit:
                raise bomb(path)
            yield piece


def bomb(path: Path) -> SourceError:
    """The refusal of a file that unpacks to far more than data does."""
    return SourceError(
        f"`{path.name}` unpacks to more than {_BOMB_RATIO} times its size, as a decompression bomb does.",
        where=str(path),
        code="source.bomb",
        next_step="unpack the file yourself if you trust it, and read what was in it",
    )


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise `SourceError` when a member climbs out of the archive, or all unpack to far more than data does."""
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or ":" in name[:2] or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            raise SourceError(
                f"`{path.name}` holds `{name}`, a path that leads out of the archive.",
                where=str(path),
                code="source.archive",
                next_step="do not trust this archive",
            )
    size = sum(member.file_size for member in archive.infolist())
    if size > max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size):
        raise bomb(path)


def _member(path: Path, archive: zipfile.ZipFile) -> str:
    check_archive(path, archive)
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith(("__MACOSX/", "."))]
    if len(names) != 1:
        raise SourceError(
            f"`{path.name}` holds {len(names)} files; which one holds the rows is not clear.",
            where=str(path),
            code="source.archive",
            allowed=names[:12],
            next_step="pack each file alone, or unpack the archive and read its files",
        )
    return names[0]


def _zstd(packed: BinaryIO) -> IO[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError(
            "Zstandard files need the library `zstandard`.", where="sources", next_step="pip install 'millrace[zstd]'"
        ) from error
    return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True))
