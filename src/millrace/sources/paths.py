"""Which files a path or a glob means, and how to recognise a file again."""

from __future__ import annotations

import glob
import hashlib
from pathlib import Path

from millrace.errors import SourceError, nearest

_SAMPLE_BYTES = 65_536


def found(location: str, base: Path, where: str) -> tuple[Path, ...]:
    """The files that `location`, relative to `base`, means, sorted. Raises `SourceError` when there is none."""
    pattern = base / location
    if pattern.is_file():
        return (pattern,)
    fixed = fixed_part(pattern)
    if glob.has_magic(location) and fixed.is_dir():
        matches = fixed.glob(pattern.relative_to(fixed).as_posix())
        if files := sorted(path for path in matches if path.is_file()):
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
