"""What an erasure removed, and what may still hold it for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows removed by table; `person` is a keyed hash, never the value.

    Older versions of the tables can be read until `until` (ISO 8601 in UTC; empty: they are gone already), and then
    until the next ingest of the source or the next erasure. `unsearched` are tables without the columns that were asked
    for; `packages` the versions that may have learned from the rows. With `dry_run` nothing was changed.
    """

    source: str
    person: str
    columns: tuple[str, ...]
    removed: Mapping[str, int]
    until: str
    unsearched: tuple[str, ...] = ()
    packages: tuple[int, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Suppression:
    """Somebody who is not ingested again: the columns that name them, and when and by whom they were erased."""

    columns: tuple[str, ...]
    at: str
    by: str
    format: int = 1
