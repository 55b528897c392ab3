"""Batches looked at before their turn, by the rules of the one that is being committed: most have the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from millrace.errors import DataError
from millrace.ingest.rules import Examined, Rules, Split
from millrace.records.batch import Batch


class Ahead(NamedTuple):
    """What `rules` made of a batch before it was known whether they are its own.

    `split` is where its rows go; None where that depends on other rows too.
    """

    rules: Rules
    examined: Examined
    split: Split | None


def looked_at(batches: Iterable[Batch], rules: Callable[[], Rules | None]) -> Iterator[tuple[Batch, Ahead | None]]:
    """Each batch with what the latest `rules` make of it; with nothing where they are not for its columns."""
    for batch in batches:
        latest, ahead = rules(), None
        if latest and latest.delivered == dict(batch.frame.schema):
            with suppress(DataError):  # the rules of this very batch will tell
                examined = latest.examine(batch.frame, batch.first_row, batch.misfits)
                ahead = Ahead(latest, examined, latest.settle(examined) if latest.alone else None)
        yield batch, ahead
