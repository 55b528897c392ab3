"""Ingest what is there and then what comes: `millrace ingest --watch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from millrace.engine.stopping import told_to_stop
from millrace.ingest.following import follow as stage
from millrace.ingest.following import quietly
from millrace.lifecycle import Site, ingest, new_run
from millrace.records.ingestion import Ingested
from millrace.records.progress import Watch


def follow(site: Site, sources: Sequence[str], every: float, told: Callable[[Ingested], None]) -> None:
    """Ingest what is there and then what comes, until this process is told to stop."""
    quiet = replace(site, settings=quietly(site.settings))

    def ingest_one(name: str, watch: Watch) -> Ingested:
        return ingest(replace(quiet, watch=watch), name, new_run())

    with told_to_stop() as stop:
        stage(sources, ingest_one, every=every, stop=stop, told=told, watch=site.watch)
