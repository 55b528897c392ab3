"""Windows of rows judged by one library, in an environment of its own; `bench/data_drift.py` calls it.

python bench/peers/drift_windows.py millrace|single|evidently|nannyml FOLDER

`FOLDER` holds for each case ``<case>-before.parquet``, the reference, and ``<case>-now.parquet``, whose column
``window`` counts windows from 0. Printed is, as one line of JSON, which columns each window of each case is alarmed
for, the most striking one first. Columns whose names begin with ``c_`` are categories.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

Alarmed = list[list[str]]
learned_from: dict[Any, Any] = {}


def millrace(before: Path, now: Path) -> Alarmed:
    """As `millrace monitor`: a window is a day, a false alarm a month, and dependence is learned."""
    from datetime import datetime, timedelta

    import polars as pl

    from millrace.config.schema import MonitorSettings
    from millrace.monitor.learning import learn
    from millrace.monitor.look import longer
    from millrace.monitor.spending import WITHOUT_LABELS, Spent, take
    from millrace.profile.build import profile
    from millrace.profile.drift import drift

    settings = MonitorSettings(false_alarms="1 per month", window="1 day")
    known, signature, rows = _profiled(before, now)
    day = pl.int_range(pl.len()).over("window") / pl.len().over("window")
    at = pl.datetime(2026, 1, 1, time_unit="us") + pl.duration(days=1) * (pl.col("window") + day)
    rows = rows.with_columns(at=at)
    spent, found = None, []
    for window in range(int(rows["window"].max()) + 1):  # type: ignore[arg-type]
        seen = rows.filter(pl.col("window") <= window)
        recent = seen.filter(pl.col("window") == window)
        newest = datetime(2026, 1, 1) + timedelta(days=window + 1)
        level, balance = take(settings, spent, newest, 1.0)

        def count(part: pl.DataFrame) -> Any:
            return profile(part.drop("at", "window"), signature, known)

        key = (signature, window, int(seen.hash_rows(0).sum()))  # the calm windows of several cases are the same rows
        if key not in learned_from:
            learned_from[key] = learn(seen, recent, settings.window, spent, count)
        dependence, learned = learned_from[key]
        more = longer(seen, recent, settings.window)
        level_of_drift = level * (1 - WITHOUT_LABELS) / 2
        columns = drift(known, count(recent), level_of_drift, dependence, count(more) if more is not None else None)
        found.append([name for name, column in columns.items() if column.alarmed])
        alarmed = newest.isoformat() if found[-1] else spent.alarmed if spent else ""
        newest_row = recent["at"][-1].isoformat()
        spent = Spent(newest_row, level, balance, alarmed=alarmed, dependence=dependence, learned=learned)
    return found


def single(before: Path, now: Path) -> Alarmed:
    """`mr.drift` at 5 % a look."""
    from millrace.profile.build import profile
    from millrace.profile.drift import drift

    known, signature, rows = _profiled(before, now)
    found = []
    for _, part in rows.group_by("window", maintain_order=True):
        columns = drift(known, profile(part.drop("window"), signature, known), 0.05)
        found.append([name for name, column in columns.items() if column.alarmed])
    return found


def _profiled(before: Path, now: Path) -> tuple[Any, Any, Any]:
    import polars as pl

    from millrace.profile.build import profile
    from millrace.records.signature import Field, Signature

    table, rows = pl.read_parquet(before), pl.read_parquet(now)
    fields = (Field(name, "category" if name.startswith("c_") else "number") for name in table.columns)
    signature = Signature("regression", "y", tuple(fields))
    return profile(table, signature), signature, rows


def evidently(before: Path, now: Path) -> Alarmed:
    """The tests that `DataDriftPreset` chooses, at its thresholds, without what it draws.

    What they leave out is its test of missing values: a share that differs by more than a tenth of the usual one.
    That an empty column is an error counts as an alarm for this column.
    """
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    table, rows = pd.read_parquet(before), pd.read_parquet(now)
    kinds = {n: ColumnType.Categorical if n.startswith("c_") else ColumnType.Numerical for n in table.columns}
    found = []
    for _, part in rows.groupby("window"):
        said: dict[str, float] = {}
        for name, kind in kinds.items():
            usual, share = table[name].isna().mean(), part[name].isna().mean()
            if abs(share - usual) > usual / 10:
                said[name] = float("inf")
                continue
            reference, current = table[name].dropna(), part[name].dropna()
            judged = get_stattest(reference, current, kind, None)(reference, current, kind, None)
            if judged.drifted:
                said[name] = judged.drift_score / judged.actual_threshold
        found.append(sorted(said, key=lambda name: -said[name]))
    return found


def nannyml(before: Path, now: Path) -> Alarmed:
    """Its calculators of drift, missing and unseen values, as they come, a chunk a window."""
    import nannyml as nml
    import pandas as pd

    table, rows = pd.read_parquet(before), pd.read_parquet(now)
    size, windows = int((rows["window"] == 0).sum()), int(rows["window"].max()) + 1
    words = [name for name in table.columns if name.startswith("c_")]
    for frame in (table, rows):
        for name in words:
            frame[name] = frame[name].astype("category")
    every, said = list(table.columns), [dict[str, float]() for _ in range(windows)]
    for calculator in (
        nml.UnivariateDriftCalculator(column_names=every, chunk_size=size),
        nml.MissingValuesCalculator(column_names=every, chunk_size=size),
        nml.UnseenValuesCalculator(column_names=words, chunk_size=size),
    ):
        table_of = calculator.fit(table).calculate(rows[every]).filter(period="analysis").to_df()
        for *path, what in table_of.columns:
            if what != "alert":
                continue
            values, most = table_of[(*path, "value")], table_of[(*path, "upper_threshold")]
            for window in table_of.index[table_of[(*path, "alert")].astype(bool)]:
                beyond = values[window] / most[window] if most[window] else float("inf")
                said[window][path[0]] = max(said[window].get(path[0], 0.0), beyond)
    return [sorted(columns, key=lambda name: -columns[name]) for columns in said]


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    library, folder = sys.argv[1], Path(sys.argv[2])
    judge = {"millrace": millrace, "single": single, "evidently": evidently, "nannyml": nannyml}[library]
    cases = sorted(path.name.removesuffix("-before.parquet") for path in folder.glob("*-before.parquet"))
    print(
        json.dumps({case: judge(folder / f"{case}-before.parquet", folder / f"{case}-now.parquet") for case in cases})
    )
