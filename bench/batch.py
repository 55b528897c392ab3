"""How many rows a second `millrace predict` answers, beside the graph alone and beside LightGBM by hand.

    python bench/batch.py          # 1,000,000 rows of 20 columns; boosted trees of 31 leaves, 200 and 50 of them

`graph` is ONNX Runtime on the same rows in memory, a run on each core: nothing that asks this graph can be faster.
`by hand` is what a notebook does: Polars reads the Parquet file, LightGBM predicts on all cores, Polars writes another.
Each case has a process of its own; the best of `REPEATS`, as other work on the machine only ever slows one down. Peak
memory is that of the whole process (Linux). Prints a table; leaves bench/results/batch.json.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent / "src")]
from model import COLUMNS, data  # noqa: E402 - found through the line above

TREES, ROWS, REPEATS = (200, 50), 1_000_000, 3
PROJECT = "version: 1\nproject: bench\nstore: .\nsources: {rows: {from: rows.parquet}}\nmodel: {predict: y}\n"
CASES = ("graph", "by hand", "parquet", "csv", "delta")
#: What a case reads, and where its answers go.
PLACES = {"parquet": ("rows.parquet", "answers.parquet"), "csv": ("rows.csv", "answers.csv"), "delta": ("rows", "out")}


def prepare(folder: Path, trees: int) -> None:
    """Seeded rows as Parquet, CSV and a Delta table, and the package of a LightGBM classifier."""
    import numpy as np
    import polars as pl
    from lightgbm import LGBMClassifier

    import millrace as mr

    random = np.random.default_rng(ROWS)
    frame = pl.DataFrame({name: random.normal(size=ROWS) for name in COLUMNS})
    frame.write_parquet(folder / "rows.parquet")
    frame.write_csv(folder / "rows.csv", float_precision=4)
    frame.write_delta(str(folder / "rows"))
    (folder / "millrace.yaml").write_text(PROJECT)
    x, y = data()
    truth = np.where(y > 0, "Yes", "No")
    fitted = LGBMClassifier(n_estimators=trees, random_state=7, n_jobs=1, verbose=-1).fit(x, truth)
    sample = pl.DataFrame(x[:500], schema=list(COLUMNS)).with_columns(y=pl.Series(truth[:500]))
    mr.package.build(fitted, sample, name="bench", target="y", store=str(folder))
    fitted.booster_.save_model(folder / "model.txt")


def graph(folder: Path) -> float:
    """Seconds that the graph alone takes, a run on each core."""
    import polars as pl

    from millrace.engine.here import Here
    from millrace.inference.model import Model

    numbers = pl.read_parquet(folder / "rows.parquet").to_numpy(order="c")
    parts = [numbers[start : start + 100_000] for start in range(0, ROWS, 100_000)]
    model = Model.open(folder / "packages/bench/1")
    start = time.perf_counter()
    for _ in Here(width=os.cpu_count() or 1).stream(lambda part: [model.answer(part, part[:, :0])], parts):
        pass
    return time.perf_counter() - start


def by_hand(folder: Path) -> float:
    """Seconds that Polars and LightGBM take from file to file."""
    import polars as pl
    from lightgbm import Booster

    start = time.perf_counter()
    frame = pl.read_parquet(folder / "rows.parquet")
    score = Booster(model_file=folder / "model.txt").predict(frame.to_numpy(order="c"))
    frame.with_columns(score=score).write_parquet(folder / "by-hand.parquet")
    return time.perf_counter() - start


def millrace(folder: Path, case: str) -> float:
    """Seconds that a batch prediction takes."""
    from millrace.project import Project

    asked, to = PLACES[case]
    project = Project.load(folder / "millrace.yaml")
    done = project.predict(str(folder / asked), str(folder / to), version=1)
    assert done.rows == ROWS
    return done.seconds


def measure(folder: Path, case: str) -> None:
    """Run one case and print what it took."""
    seconds = {"graph": graph, "by hand": by_hand}.get(case, lambda folder: millrace(folder, case))(folder)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    memory = int(peak.split()[1]) / 1024
    print(json.dumps({"seconds": seconds, "rows_per_second": ROWS / seconds, "peak_mib": memory}))


def main() -> None:
    """Measure each case in a process of its own."""
    if len(sys.argv) > 1:
        return measure(Path(sys.argv[1]), sys.argv[2])
    found: dict[str, Any] = {}
    for trees in TREES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder, trees)
            for case in CASES:
                tries = []
                for _ in range(REPEATS):
                    shutil.rmtree(folder / "out", ignore_errors=True)
                    command = [sys.executable, __file__, name, case]
                    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                    tries.append(json.loads(said))
                found[f"{trees} trees, {case}"] = best = min(tries, key=lambda one: one["seconds"])
                print(
                    f"{trees:>4} trees {case:>8} {best['rows_per_second']:>12,.0f} rows/s {best['peak_mib']:>7,.0f} MiB"
                )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "batch.json").write_text(json.dumps(found, indent=2))
    return None


if __name__ == "__main__":
    main()
