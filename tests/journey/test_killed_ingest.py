"""`millrace ingest`, killed at any moment and started again, leaves what an undisturbed one leaves."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from millrace.ingest.quarantine import show
from millrace.store.objects import Store
from millrace.store.tables import Table

pytestmark = pytest.mark.journey

ROWS = 300_000
KILLS = int(os.environ.get("MILLRACE_FAULTS", "3"))
INGEST = [sys.executable, "-m", "millrace", "ingest"]
PROJECT = """\
version: 1
sources:
  meters:
    from: ../meters-*.csv
    key: id
    columns:
      reading: {type: number, missing: ["n/a"]}
    clean:
      - drop_duplicates: id
    checks:
      not_negative: reading >= 0
model: {predict: reading}
"""


def meters(first: int, rows: int) -> str:
    """Readings with blanks, negatives, words, doubles and broken lines, each at its own rhythm."""
    lines = ["id,reading,place"]
    for i in range(first, first + rows):
        reading = "n/a" if i % 997 == 0 else "-1" if i % 1009 == 0 else "word" if i % 5003 == 0 else str(i % 90)
        lines.append(f"{i},{reading},p{i % 7}" + (",too,much" if i % 7919 == 0 else ""))
        if i % 4001 == 0:
            lines.append(lines[-1])
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("meters")
    (folder / "meters-1.csv").write_text(meters(0, ROWS))
    (folder / "meters-2.csv").write_text(meters(ROWS, ROWS // 10))
    return folder


def project(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "millrace.yaml").write_text(PROJECT)
    return folder / name


def left_by(place: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    store = Store(place / "store")
    table = Table(store, "tables/meters").read(bookkeeping=True).drop("_run")
    refused = show(store, "meters", limit=10**6)
    return table, refused.drop("_run", "_at", "_batch", strict=False).sort("_origin", "_row", "_raw")


def test_a_killed_ingest_started_again_leaves_the_same_rows(folder: Path) -> None:
    calm = project(folder, "calm")
    start = time.monotonic()
    subprocess.run(INGEST, cwd=calm, check=True, capture_output=True)
    whole = time.monotonic() - start
    table, refused = left_by(calm)
    assert table.height + refused.height > ROWS
    rng = random.Random(11)
    for kill in range(KILLS):
        place = project(folder, f"killed-{kill}")
        for _ in range(3):
            killed = subprocess.Popen(INGEST, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                killed.wait(timeout=whole * rng.uniform(0.3, 1.0))
            except subprocess.TimeoutExpired:
                killed.kill()
                killed.wait()
        subprocess.run(INGEST, cwd=place, check=True, capture_output=True)
        again, refused_again = left_by(place)
        assert again.equals(table)
        assert refused_again.equals(refused)
