"""Which columns changed in what waits to be ingested, told before anything is written."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.errors import DataError
from millrace.ingest.contract import agree
from millrace.ingest.personal import source_types
from millrace.sources import open_source
from millrace.sources.base import Collection
from millrace.store.objects import Store
from millrace.store.tables import Table

#: So many new files are looked into.
_MOST = 100


def column_changes(name: str, settings: SourceSettings, store: Store, base: Path) -> tuple[list[str], list[str]]:
    """What changed in the columns of new rows: what the contract takes, and what it would stop at.

    The first rows of each new file are read, or of what else is new; nothing before the first ingest.
    """
    table = Table(store, f"tables/{name}")
    if (position := table.position()) is None:
        return [], []
    known = source_types(table)
    source = open_source(name, settings, base, schema=known)
    first = source.first_batches(position) if isinstance(source, Collection) else islice(source.batches(position), 1)
    taken, frozen = list[str](), list[str]()
    for batch in islice(first, _MOST):
        try:
            taken += [f"{name}, {batch.origin}: {one}" for one in agree(batch.frame, known, settings, "").changes]
        except DataError as error:
            frozen.append(f"{name}, {batch.origin}: {error.seen} {error.next_step}.")
    return taken, frozen
