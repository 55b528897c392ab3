"""The table of `bench/detectors.py`, judged by another library, in an environment of its own.

python3 -m venv /tmp/peer && /tmp/peer/bin/pip install evidently     # or nannyml
/tmp/peer/bin/python bench/peers/drift_libraries.py evidently 100000
"""

from __future__ import annotations

import resource
import sys
from time import perf_counter

import numpy as np
import pandas as pd


def evidently(before: pd.DataFrame, now: pd.DataFrame) -> None:
    """Judge with the preset of Evidently."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(now, before).dict()


def nannyml(before: pd.DataFrame, now: pd.DataFrame) -> None:
    """Judge with the default methods of NannyML, in ten chunks."""
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(column_names=list(before.columns), chunk_number=10)
    calculator.fit(before).calculate(now).to_df()


if __name__ == "__main__":
    library, rows = sys.argv[1], int(sys.argv[2])
    draw, words = np.random.default_rng(3), np.array([f"word{n}" for n in range(20)])
    columns = {f"n{n}": draw.normal(size=2 * rows) for n in range(50)}
    frame = pd.DataFrame(columns | {f"c{n}": words[draw.integers(0, 20, 2 * rows)] for n in range(50)})
    for name in frame.columns[50:]:
        frame[name] = frame[name].astype("category" if library == "nannyml" else object)
    before, now = frame.iloc[:rows].reset_index(drop=True), frame.iloc[rows:].reset_index(drop=True)
    held, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, perf_counter()
    {"evidently": evidently, "nannyml": nannyml}[library](before, now)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    print(f"{library}: {rows:,} rows x 100 columns: {perf_counter() - start:.1f} s with its import, {more:.0f} MB more")
