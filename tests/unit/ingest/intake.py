"""A source held in memory, and processes that ingest it and die at a chosen point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.ingest.stage import ingest_source
from millrace.ingest.types import column_types
from millrace.records.batch import Batch, Position
from millrace.records.ingestion import Ingested
from millrace.records.progress import Watch, unwatched
from millrace.store.objects import Store
from millrace.store.tables import Table

REFUSED = {"line": pl.Int64(), "column": pl.String(), "reason": pl.String(), "raw": pl.String()}


class Listed:
    """Batches from a list of frames; the position is how many were read."""

    def __init__(self, frames: Sequence[pl.DataFrame], refused: Sequence[str] = (), **types: ColumnType) -> None:
        self.frames = frames
        self.types = types
        self.refused = refused
        self.acknowledged: list[int] = []

    def schema(self) -> dict[str, ColumnType]:
        return column_types(self.frames[0].schema) | self.types

    def batches(self, after: Position | None) -> Iterator[Batch]:
        first = 1
        for ordinal, frame in enumerate(self.frames):
            if ordinal >= (after["frames"] if after else 0):
                lines = list(self.refused) if ordinal == 0 else []
                refused = pl.DataFrame(
                    [(90 + i, "tenure", "a quote is not closed", line) for i, line in enumerate(lines)],
                    REFUSED,
                    orient="row",
                )
                yield Batch(
                    frame,
                    refused,
                    "memory",
                    first,
                    {"frames": ordinal + 1},
                    lambda o=ordinal: self.acknowledged.append(o),
                )
            first += frame.height


def settings(**sections: Any) -> SourceSettings:
    return SourceSettings.model_validate({"from": "memory", **sections})


def take(
    store: Store, frames: Sequence[pl.DataFrame], watch: Watch = unwatched, run: str = "run", **sections: Any
) -> Ingested:
    return ingest_source(Listed(frames), "customers", settings(**sections), store, run, watch)


#: Three batches: rows that fail a type, a check, both; duplicates within a batch and across; one batch refused whole.
RULES: dict[str, Any] = {
    "key": "id",
    "columns": {"charge": {"type": "number"}},
    "clean": [{"trim": "all"}, {"drop_duplicates": "key"}],
    "checks": {"tenure_positive": "tenure >= 0"},
}
FRAMES = (
    pl.DataFrame({"id": [1, 2, 2, 3], "charge": ["1.5", " 2", "2", "abc"], "tenure": [1, 2, 2, -3]}),
    pl.DataFrame({"id": [4, 5], "charge": ["x", "y"], "tenure": [4, -5]}),
    pl.DataFrame({"id": [1, 6, 7], "charge": ["1.5", "6", None], "tenure": [1, -6, None]}),
)


def rests(store: Store) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table and all that rests in the quarantine, without what names the run and the time."""
    table = Table(store, "tables/customers").read(bookkeeping=True)
    refused = Table(store, "quarantine/customers").read(bookkeeping=True)
    return table.drop("_run").sort("_row"), refused.drop("_run", "_at").sort("_row")
