"""Ingest again and again: what is there, then what comes, until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from millrace.config.schema import ProjectSettings
from millrace.errors import MillraceError
from millrace.records.ingestion import Ingested
from millrace.records.progress import Step, Watch

#: Brings what is new in one source into its table, telling each step.
IngestOne = Callable[[str, Watch], Ingested]


#: Seconds after which a file that nobody wrote to is taken to be whole, unless its source says otherwise.
QUIET = 2.0


class _ToldToStop(Exception):  # noqa: N818 - it is an order
    """Leaves an ingest between two batches."""


def follow(
    sources: Sequence[str],
    ingest: IngestOne,
    *,
    every: float,
    stop: threading.Event,
    told: Callable[[Ingested], None],
    watch: Watch,
) -> None:
    """Ingest `sources` in turn every `every` seconds until `stop` is set; `told` gets each record that has rows.

    A batch that was begun is finished. What may pass by itself is told and tried again: another machine that does not
    answer, and a place where nothing is yet. Every other error ends it, as it ends an ingest.
    """

    def tell(step: Step) -> None:
        watch(step)
        if stop.is_set() and step.text.endswith(": acknowledged"):
            raise _ToldToStop

    while not stop.is_set():
        for name in sources:
            try:
                done = ingest(name, tell)
            except _ToldToStop:
                return
            except MillraceError as error:
                if not (error.retryable or error.code == "source.missing"):
                    raise
                watch(Step("ingest", f"{name}: waiting. {error.seen}"))
            else:
                if done.read:
                    told(done)
        stop.wait(every)


def quietly(settings: ProjectSettings) -> ProjectSettings:
    """The settings of somebody who waits for files: one that is just being written is left alone."""
    sources = {
        name: source.model_copy(update={"quiet": QUIET if source.quiet is None else source.quiet})
        for name, source in settings.sources.items()
    }
    return settings.model_copy(update={"sources": sources})
