"""What it costs to keep a table of millions of rows unique, batch by batch, and whether that grows with the table.

    python bench/unique.py [ROWS]     # default 5,000,000 rows in batches of 200,000; a whole number and a text as key

Seconds per batch without a rule, under `unique`, and under `drop_duplicates`: the median of the first and of the last
five new batches, the longest, and of five batches of nothing but repeated rows; then the first two batches of the next
ingest, which reads the keys once. Prints a table; each job runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.ingest.stage import ingest_source
from millrace.records.batch import Batch, Position
from millrace.records.progress import Step
from millrace.sources.base import refused
from millrace.store.objects import Store

BATCH = 200_000
RULES: Mapping[str, dict[str, Any]] = {
    "no rule": {},
    "unique": {"unique": "id"},
    "drop_duplicates": {"clean": [{"drop_duplicates": "id"}]},
}


class Numbered:
    """Rows made from the numbers from each start on, a batch for each."""

    def __init__(self, kind: str, starts: list[int]) -> None:
        self.kind, self.starts = kind, starts

    def schema(self) -> dict[str, ColumnType]:
        """The columns."""
        return {"id": "text" if self.kind == "text" else "integer", "x": "number"}

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The batches behind `after`."""
        done = int(after["batches"]) if after else 0
        for ordinal, start in enumerate(self.starts[done:], done + 1):
            number = pl.Series("id", np.arange(start, start + BATCH))
            ids = pl.select(id=pl.format("customer-{}", number)).to_series() if self.kind == "text" else number
            frame = pl.DataFrame({"id": ids, "x": number * 0.5})
            yield Batch(frame, refused(), f"{ordinal}.csv", 1, {"batches": ordinal})


def measure(kind: str, rule: str, rows: int) -> str:
    """Seconds and memory of one job, as a line of the table."""
    store, settings = Store(tempfile.mkdtemp()), SourceSettings.model_validate({"from": "memory", **RULES[rule]})
    new, seconds, last = list(range(0, rows, BATCH)), list[float](), time.perf_counter()

    def watch(step: Step) -> None:
        nonlocal last
        if step.text.endswith(": acknowledged"):
            seconds.append(time.perf_counter() - last)
            last = time.perf_counter()

    ingest_source(Numbered(kind, [*new, *new[:5]]), "t", settings, store, "one", watch)
    last = time.perf_counter()
    after = [rows + BATCH * ordinal for ordinal in range(2)]
    ingest_source(Numbered(kind, [*new, *new[:5], *after]), "t", settings, store, "two", watch)
    shown = [median(seconds[:5]), median(seconds[-12:-7]), max(seconds[:-7]), median(seconds[-7:-2]), *seconds[-2:]]
    return "  ".join(f"{one:6.3f}" for one in shown) + f"  {getrusage(RUSAGE_SELF).ru_maxrss >> 10:5} MiB"


def main() -> None:
    """Run every job."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    print(f"{rows:,} rows{'':18}  first    last  longest repeats   next ingest, 2 batches")
    for kind in ("integer", "text"):
        for rule in RULES:
            job = [sys.executable, __file__, "--job", kind, rule, str(rows)]
            done = subprocess.run(job, capture_output=True, text=True, check=True)
            print(f"{kind:8} {rule:16}  {done.stdout.strip()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        print(measure(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        main()
