"""How fast a large CSV becomes a checked, quarantined, committed table, beside the bare conversion of the same file.

    python bench/ingest.py [ROWS]     # default 5,000,000 rows, about 400 MB; dlt joins when bench/.venv-peers has it
    python bench/ingest.py --large    # 27 such files, 10 GB: how much memory it takes

Each job runs in a process of its own, interleaved over three rounds on the same file; the median round counts. The bare
conversions check nothing and keep nothing apart. Prints a table; leaves bench/results/ingest.json.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PEER_PYTHON = HERE / ".venv-peers" / "bin" / "python"
ROUNDS = 3
PROJECT = """\
version: 1
sources:
  trips:
    from: ../trips.csv
    checks:
      distance_not_negative: distance >= 0
      known_zone: zone in ('north', 'south', 'east', 'west')
      fare_not_negative: fare >= 0
model: {predict: fare}
"""
MILLRACE = """
import sys
from millrace.project import Project
done = Project.load(sys.argv[1] + "/millrace.yaml").ingest()[0]
assert done.read == done.kept + done.quarantined, done
"""
DUCKDB = """
import duckdb, sys
duckdb.sql(f"copy (from read_csv('{sys.argv[2]}')) to '{sys.argv[1]}/out.parquet' (format parquet, compression zstd)")
"""
POLARS = """
import polars as pl, sys
pl.scan_csv(sys.argv[2], try_parse_dates=True).sink_parquet(sys.argv[1] + "/out.parquet", compression="zstd")
"""
DLT_ROWS = """
import csv, itertools, os, sys
os.chdir(sys.argv[1])
import dlt
@dlt.resource(name="trips")
def trips():
    with open(sys.argv[2]) as lines:
        yield from itertools.islice(csv.DictReader(lines), 200_000)
dlt.pipeline("trips", destination=dlt.destinations.filesystem(sys.argv[1] + "/lake"), dataset_name="d").run(
    trips(), loader_file_format="parquet")
"""
#: dlt's row path is given so many rows: all of them would take minutes.
DLT_ROWS_READ = 200_000
DLT = """
import os, sys
os.chdir(sys.argv[1])
import dlt, pyarrow.csv
@dlt.resource(name="trips")
def trips():
    yield from pyarrow.csv.open_csv(sys.argv[2])
dlt.pipeline("trips", destination=dlt.destinations.filesystem(sys.argv[1] + "/lake"), dataset_name="d").run(
    trips(), loader_file_format="parquet")
"""


def generate(path: Path, rows: int) -> None:
    """Write `rows` trips, one in a thousand with an impossible distance."""
    rng = random.Random(3)
    zones = ("north", "south", "east", "west")
    block = []
    for i in range(100_000):
        distance = -1.0 if i % 1000 == 0 else round(rng.expovariate(0.2), 2)
        day = f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} {rng.randint(0, 23):02d}:30:00"
        fields = (rng.choice(zones), day, distance, rng.randint(1, 6), round(3 + 2 * abs(distance), 2), rng.random())
        block.append(",".join(map(str, fields)) + f",note {i % 977},{rng.randint(0, 1)}\n")
    with path.open("w") as out:
        out.write("id,zone,picked_up,distance,passengers,fare,score,note,card\n")
        for first in range(0, rows, len(block)):
            out.writelines(f"{first + i},{line}" for i, line in enumerate(block[: rows - first]))


def timed(python: str | Path, code: str, folder: Path, data: Path | str, project: str = PROJECT) -> tuple[float, float]:
    """Seconds and peak MB of one run in a fresh process and a fresh folder."""
    target = folder / "run"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    (target / "millrace.yaml").write_text(project)
    measure = f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "src")}
    start = time.perf_counter()
    done = subprocess.run(
        [str(python), "-c", measure, str(target), str(data)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, float(done.stdout.split()[-1])


def large(files: int = 27) -> None:
    """Ingest the same file under many names, and say how fast it was and how much memory it took."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        data = Path(folder) / "trips.csv"
        generate(data, 5_000_000)
        for number in range(files):
            os.link(data, Path(folder) / f"day-{number:02}.csv")
        project = PROJECT.replace("../trips.csv", "../day-*.csv")
        seconds, memory = timed(sys.executable, MILLRACE, Path(folder), data, project)
        size = files * data.stat().st_size / 1e9
        print(f"{files * 5_000_000:,} rows, {size:.1f} GB: {seconds:.0f} s, {memory:,.0f} MB at most")


def main(rows: int) -> None:
    """Run every job, print the table."""
    jobs = {
        "Millrace: typed, checked, quarantined, committed": (sys.executable, MILLRACE, rows),
        "DuckDB, bare CSV to Parquet": (sys.executable, DUCKDB, rows),
        "Polars, bare CSV to Parquet": (sys.executable, POLARS, rows),
    }
    if PEER_PYTHON.exists() and not subprocess.call(
        [PEER_PYTHON, "-c", "import dlt, pyarrow"], stderr=subprocess.DEVNULL
    ):
        jobs["dlt, Arrow path, checks nothing"] = (PEER_PYTHON, DLT, rows)
        jobs["dlt, row path, of the first rows"] = (PEER_PYTHON, DLT_ROWS, min(rows, DLT_ROWS_READ))
    else:
        print("dlt is left out: bench/.venv-peers has no dlt and pyarrow")
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        data = Path(folder) / "trips.csv"
        generate(data, rows)
        print(f"{rows:,} rows, {data.stat().st_size / 1e6:,.0f} MB")
        measured = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, (python, code, _read) in jobs.items():
                measured[name].append(timed(python, code, Path(folder), data))
    ours = rows / statistics.median(seconds for seconds, _ in measured[next(iter(jobs))])
    results = {}
    print(f"\n{'':52}{'seconds':>9}{'rows/s':>13}{'peak MB':>9}  Millrace is as fast")
    for name, runs in measured.items():
        seconds, memory = statistics.median(s for s, _ in runs), statistics.median(m for _, m in runs)
        speed = jobs[name][2] / seconds
        results[name] = {"seconds": seconds, "rows_per_second": speed, "peak_mb": memory}
        print(f"{name:52}{seconds:9.2f}{speed:13,.0f}{memory:9,.0f}  {ours / speed:.2f}x")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "ingest.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    if sys.argv[1:] == ["--large"]:
        large()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
