"""How many rows a second batch prediction answers, from file to file, beside the graph alone.

    python bench/batch.py              # 1,000,000 rows of 20 columns, 200 trees

The ceiling is ONNX Runtime on the same rows in memory, with all cores. Prints a table; leaves bench/results/batch.json.
Peak memory is that of the whole process for each number of rows, so that growth with the file would show.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent / "src")]
from model import COLUMNS  # noqa: E402 - found through the line above

from serving import graph, publish  # noqa: E402

PROJECT = "version: 1\nproject: bench\nstore: .\nsources: {rows: {from: rows-1000000.parquet}}\nmodel: {predict: y}\n"


def write_rows(folder: Path, rows: int) -> None:
    """Seeded questions as Parquet and CSV."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(rows)
    frame = pl.DataFrame({name: random.normal(size=rows) for name in COLUMNS})
    frame.write_parquet(folder / f"rows-{rows}.parquet")
    frame.write_csv(folder / f"rows-{rows}.csv", float_precision=4)


def answer(folder: Path, rows: int, kind: str) -> None:
    """Run one file through the project and print what it took."""
    from millrace.project import Project

    project = Project.load(folder / "millrace.yaml")
    done = project.predict(str(folder / f"rows-{rows}{kind}"), str(folder / f"answers{kind}"), version=1)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": done.rows, "rows_per_second": done.rows / done.seconds, "peak_mib": memory}))


def ceiling(folder: Path, rows: int) -> None:
    """Run the graph alone on rows in memory."""
    import polars as pl

    from millrace.inference.model import Model

    numbers = pl.read_parquet(folder / f"rows-{rows}.parquet").to_numpy(order="c")
    model = Model.open(folder / "packages/bench/1", threads=0)
    start = time.perf_counter()
    model.answer(numbers, numbers[:, :0])
    print(json.dumps({"rows": rows, "rows_per_second": rows / (time.perf_counter() - start)}))


def main() -> None:
    """Measure each case in a process of its own."""
    if len(sys.argv) > 1:
        folder, rows, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
        return ceiling(folder, rows) if kind == "graph" else answer(folder, rows, kind)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "millrace.yaml").write_text(PROJECT)
        publish(folder, graph())
        for rows in (250_000, 1_000_000):
            write_rows(folder, rows)
            for kind in ("graph", ".parquet", ".csv"):
                command = [sys.executable, __file__, name, str(rows), kind]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                found[f"{kind.strip('.')} {rows}"] = case = json.loads(said)
                print(f"{kind:>9} {rows:>9,} rows {case['rows_per_second']:>12,.0f} rows/s", case.get("peak_mib", ""))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "batch.json").write_text(json.dumps(found, indent=2))
    return None


if __name__ == "__main__":
    main()
