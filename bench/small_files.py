"""How long many small CSV files take to become checked, committed rows, beside Polars converting the same files.

    python bench/small_files.py [FILES]     # default 2,000 files of 10 rows

Each job runs in a process of its own, interleaved over three rounds; the median round counts. Polars checks nothing and
keeps nothing apart. A second ingest, with nothing new to read, is timed too. Leaves bench/results/small_files.json.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS = 3
ROWS = 10
PROJECT = """\
version: 1
sources:
  trips: {from: "data/*.csv", checks: {distance_not_negative: distance >= 0}}
model: {predict: distance}
"""
MILLRACE = """
import sys
from millrace.project import Project
done = Project.load("millrace.yaml").ingest()[0]
assert done.read == done.kept == int(sys.argv[1]), done
"""
POLARS = """
import polars as pl
files = pl.scan_csv("data/*.csv", try_parse_dates=True, include_file_paths="origin")
files.sink_parquet("out.parquet", compression="zstd")
"""


def generate(folder: Path, files: int) -> None:
    """Write the files and the project file."""
    rng = random.Random(1)
    (folder / "data").mkdir()
    for number in range(files):
        rows = (
            f"{number * ROWS + i},{rng.choice('nsew')},2026-01-{rng.randint(1, 28):02},{rng.random():.3f}\n"
            for i in range(ROWS)
        )
        (folder / "data" / f"day-{number:06}.csv").write_text("id,zone,at,distance\n" + "".join(rows))
    (folder / "millrace.yaml").write_text(PROJECT)


def timed(code: str, folder: Path, read: int) -> float:
    """Seconds of one run in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "src")}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(read)], cwd=folder, env=environment, check=True)
    return time.perf_counter() - start


def main(files: int) -> None:
    """Run every job, print the table."""
    measured: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
            place = Path(folder)
            generate(place, files)
            jobs = {"Polars": (POLARS, 0), "Millrace": (MILLRACE, files * ROWS), "Millrace, nothing new": (MILLRACE, 0)}
            for name, (code, read) in jobs.items():
                measured.setdefault(name, []).append(timed(code, place, read))
    medians = {name: statistics.median(seconds) for name, seconds in measured.items()}
    print(f"{files:,} files of {ROWS} rows")
    for name, seconds in medians.items():
        print(f"{name:24}{seconds:8.2f} s{medians['Polars'] / seconds:8.2f}x")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "small_files.json").write_text(json.dumps({"files": files, "seconds": medians}, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
