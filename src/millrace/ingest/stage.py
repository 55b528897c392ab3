"""From a source to its table: every row kept, quarantined or counted as duplicate, exactly once.

One loop serves files, databases and brokers; `Intake` is one turn of it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.engine.base import Engine
from millrace.engine.here import Here
from millrace.ingest.intake import Intake, Opened
from millrace.ingest.mapping import with_tables
from millrace.ingest.personal import ready, source_types
from millrace.ingest.suppression import suppressed
from millrace.ingest.widening import widen
from millrace.records.ingestion import Ingested
from millrace.records.progress import Watch, unwatched
from millrace.store.objects import Store
from millrace.store.tables import Table


def ingest(
    name: str,
    settings: SourceSettings,
    store: Store,
    base: Path,
    run: str,
    watch: Watch = unwatched,
    *,
    engine: Engine | None = None,
) -> Ingested:
    """Bring what is new in source `name` into its table; `run` is the id that every row will carry.

    `engine` reads the rows; without one, this process does. Paths in `settings` are relative to `base`. Rows committed
    by an earlier ingest are not read again. Raises `ProjectFileError` for rules that cannot mean anything,
    `SourceError` when rows cannot be read, `DataError` when the columns changed, `RemoteError` when the store refuses
    to write. Each leaves what was committed before in place.
    """
    from millrace.sources import open_source

    settings = with_tables(name, settings, base)
    ready({name: settings})
    suppressed(store, name, os.environ)
    changes = widen(Table(store, f"tables/{name}"), settings, run)
    known = source_types(Table(store, f"tables/{name}"))
    source = open_source(name, settings, base, schema=known or None)
    done = ingest_source(source, name, settings, store, run, watch, engine=engine)
    return replace(done, changes=(*changes, *done.changes))


def ingest_source(
    source: Opened,
    name: str,
    settings: SourceSettings,
    store: Store,
    run: str,
    watch: Watch = unwatched,
    *,
    engine: Engine | None = None,
) -> Ingested:
    """The same for a source already opened."""
    intake = Intake(name, settings, store, run, watch)
    while not intake.exhaust(source, engine or Here()):
        pass  # another writer came first: what it committed must not be read again, so start from its position
    intake.tidy()
    return intake.report()
