"""A table of 100 columns judged by one library, in an environment of its own; `bench/drift.py` calls it.

python bench/peers/drift_libraries.py millrace|evidently|nannyml ROWS

Column 0 of the numbers and column 0 of the categories moved; nothing else did.
"""

from __future__ import annotations

import resource
import sys
from time import perf_counter

import numpy as np

WORDS = np.array([f"word{n}" for n in range(20)])


def columns(rows: int, seed: int, *, moved: bool) -> dict[str, np.ndarray]:
    """50 columns of numbers and 50 of 20 words."""
    draw = np.random.default_rng(seed)
    numbers = {f"n{n}": draw.normal(size=rows) for n in range(50)}
    words = {f"c{n}": draw.integers(0, 20, rows) for n in range(50)}
    if moved:
        numbers["n0"] += 0.5
        words["c0"] = np.minimum(words["c0"], 9)
    return numbers | {name: WORDS[places] for name, places in words.items()}


def millrace(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> tuple[float, int]:
    """Profile both, in the cells of the first, and judge."""
    import polars as pl

    tables = pl.DataFrame(before), pl.DataFrame(now)
    start = perf_counter()
    from millrace.profile.build import profile
    from millrace.profile.drift import drift
    from millrace.records.signature import Field, Signature

    fields = (Field(name, "number" if name[0] == "n" else "category") for name in tables[0].columns)
    signature = Signature("regression", "y", tuple(fields))
    known = profile(tables[0], signature)
    found = drift(known, profile(tables[1], signature, known), 0.05)
    return perf_counter() - start, sum(column.alarmed for column in found.values())


def evidently(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> tuple[float, int]:
    """Judge with the preset of Evidently."""
    import pandas as pd

    tables = pd.DataFrame(before), pd.DataFrame(now)
    start = perf_counter()
    from evidently import Report
    from evidently.presets import DataDriftPreset

    found = Report([DataDriftPreset()]).run(tables[1], tables[0]).dict()
    seconds = perf_counter() - start
    counted = next(one["value"] for one in found["metrics"] if "DriftedColumnsCount" in str(one))
    return seconds, int(counted["count"])


def nannyml(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> tuple[float, int]:
    """Judge with the default methods of NannyML, in ten chunks; a column drifts when most chunks alarm."""
    import pandas as pd

    tables = [pd.DataFrame(table) for table in (before, now)]
    for table in tables:
        for name in table.columns[50:]:
            table[name] = table[name].astype("category")
    start = perf_counter()
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(column_names=list(tables[0].columns), chunk_number=10)
    found = calculator.fit(tables[0]).calculate(tables[1]).filter(period="analysis").to_df()
    seconds = perf_counter() - start
    alerts = found.loc[:, [column for column in found.columns if column[-1] == "alert"]]
    drifted = {column[0] for column in alerts.columns if alerts[column].mean() > 0.5}
    return seconds, len(drifted)


if __name__ == "__main__":
    library, size = sys.argv[1], int(sys.argv[2])
    tables = columns(size, 3, moved=False), columns(size, 4, moved=True)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken, found = {"millrace": millrace, "evidently": evidently, "nannyml": nannyml}[library](*tables)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    print(f"seconds {taken:.2f} mb {more:.0f} drifted {found}")
