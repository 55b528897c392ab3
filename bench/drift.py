"""A million rows of 100 columns, half numbers, half categories, against as many: Millrace, Evidently and NannyML.

    python bench/drift.py [--rows 1000000] --peers PEERS

Each runs in a process of its own; the peers in `PEERS/evidently` and `PEERS/nannyml`, environments made by `python3 -m
venv` and `pip install evidently==0.7.23 "pandas<3"`, or `nannyml==0.13.1 statsmodels`. Seconds are wall clock from rows
in memory to a verdict on every column, imports of the library included; MB are what the process held more at its peak
than before. One column of each kind moved.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """One line for each that is there, with how often Millrace is as fast."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=3600, help="seconds that each may take")
    asked = parser.parse_args()
    print(f"{asked.rows:,} rows x 100 columns against as many, {len(_cores())} cores")
    print(f"{'who':12} {'seconds':>8} {'MB more':>8} {'x Millrace':>10} {'columns that drift':>18}")
    ours = None
    for name in ("millrace", "evidently", "nannyml"):
        python = Path(sys.executable) if name == "millrace" else asked.peers / name / "bin" / "python"
        if not python.exists():
            print(f"{name:12} not measured: there is no {python}")
            continue
        command = [str(python), str(HERE / "peers" / "drift_libraries.py"), name, str(asked.rows)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=asked.limit, check=False)
        found = re.search(r"seconds ([\d.]+) mb ([\d.]+) drifted (\d+)", done.stdout)
        if not found:
            print(f"{name:12} failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
            continue
        seconds, mb, drifted = float(found[1]), float(found[2]), int(found[3])
        ours = ours or seconds
        print(f"{name:12} {seconds:>8.1f} {mb:>8.0f} {seconds / ours:>10.1f} {drifted:>18}", flush=True)


def _cores() -> set[int]:
    import os

    return os.sched_getaffinity(0)


if __name__ == "__main__":
    main()
