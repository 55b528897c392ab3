"""Whether files are parts of one table, or tables of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.sources.registry import kind_of

#: So many files are looked into; a folder with more has them from one origin.
_LOOKED_INTO = 20


def same_columns(paths: Sequence[str]) -> bool:
    """Whether the first files have the same columns, in any order. Raises `SourceError` where one cannot be read."""
    if any("://" in path for path in paths):
        return False
    columns = [_columns(path) for path in paths[:_LOOKED_INTO]]
    return all(one == columns[0] for one in columns)


def _columns(path: str) -> set[str]:
    said, kind = SourceSettings.model_validate({"from": path}), kind_of(path)
    seen = kind.look(said, Path.cwd()) if kind.look is not None else None
    return set(seen.schema if seen is not None else kind.open("init", said, Path.cwd(), None).schema())
