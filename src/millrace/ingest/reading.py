"""Batches read by an engine: the next ones while this one is being committed, in parts where the source has any.

Nothing is promised by reading: what was read ahead and never committed is read again after its position.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Protocol

from millrace.engine.base import Engine
from millrace.engine.here import Here
from millrace.ingest.grouping import grouped
from millrace.records.batch import Batch, Position
from millrace.sources.base import Collection, Divisible, Part


class Readable(Protocol):
    """An opened source."""

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The batches that follow `after`, from the beginning when it is None."""
        ...


def read(source: Readable, after: Position | None, engine: Engine) -> Iterator[Batch]:
    """The batches of `source` behind `after`, in order; one that cannot be divided is read in this process.

    The small batches of a source of several origins, such as many small files, are joined.
    """
    many = isinstance(source, Collection)
    if not (engine.several and isinstance(source, Divisible)):
        yield from Here().stream(lambda at: grouped(source.batches(at)) if many else source.batches(at), [after])
        return
    with closing(engine.stream(_found, source.parts(after))) as found:
        batches = source.joined(after, found)
        yield from grouped(batches) if many else batches


def _found(part: Part) -> Iterator[Any]:
    return part.read()
