"""How often drift is alarmed when there is none: 100 columns that depend on each other and on their past, hourly looks.

    python bench/false_alarms.py [--days 60] [--rows 1000] [--memory 0.5]

Half of the columns are numbers, half categories; all share eight hidden factors, and each row resembles the one before
it, with a memory of `--memory` hours (0: independent rows). A look judges the last 24 hours. Two ways see the same
hours: the budget of one false alarm per month, spent as `millrace monitor` spends it, and the customary 5 % at every
look, which is corrected for the number of columns but not for that of looks. Then the same drift, and none, at 1 k to
1 M rows a window.
"""

from __future__ import annotations

import argparse
from collections import deque
from datetime import datetime, timedelta
from functools import reduce
from time import perf_counter

import numpy as np
import polars as pl
from scipy.signal import lfilter

from millrace.config.schema import MonitorSettings
from millrace.monitor.spending import Spent, take
from millrace.profile.build import profile
from millrace.profile.drift import drift
from millrace.profile.merge import merge
from millrace.records.signature import Field, Signature

SETTINGS = MonitorSettings(false_alarms="1 per month")
FACTORS = 8


class Stream:
    """Rows without end: `columns` columns of which each row resembles the one before it by `memory` (0 to 1)."""

    def __init__(self, columns: int, memory: float, seed: int) -> None:
        self.draw, self.memory, self.columns = np.random.default_rng(seed), memory, columns
        self.loads = np.random.default_rng(7).normal(0, 0.5, (FACTORS, columns))
        self.state = self.draw.normal(0, 1, (1, FACTORS + columns))
        fields = (Field(f"c{n}", "number" if n % 2 == 0 else "category") for n in range(columns))
        self.signature = Signature("regression", "y", tuple(fields))

    def rows(self, count: int, shift: float = 0.0) -> pl.DataFrame:
        """Draw the next `count` rows; the mean of `c0` is moved by `shift` standard deviations."""
        noise = self.draw.normal(0, np.sqrt(1 - self.memory**2), (count, self.state.shape[1]))
        hidden, _ = lfilter([1.0], [1.0, -self.memory], noise, axis=0, zi=self.memory * self.state)
        self.state = hidden[-1:]
        values = hidden[:, :FACTORS] @ self.loads + hidden[:, FACTORS:]
        values[:, 0] += shift * np.sqrt(1 + (self.loads[:, 0] ** 2).sum())
        names = np.array(["low", "middle", "high"])
        return pl.DataFrame(
            {
                f"c{n}": values[:, n] if n % 2 == 0 else names[np.digitize(values[:, n], (-0.7, 0.7))]
                for n in range(self.columns)
            }
        )


def months(days: int, rows: int, hours: float) -> None:
    """Look every hour; count the looks that alarm, and the alarms (looks that alarm after one that did not)."""
    hourly = max(rows // 24, 1)
    memory = float(np.exp(-1 / (hourly * hours))) if hours else 0.0
    stream = Stream(100, memory, seed=1)
    reference = profile(stream.rows(50_000), stream.signature)
    last: deque = deque(maxlen=24)
    now, before = datetime(2026, 1, 1), None
    looks, alarms, was = [0, 0], [0, 0], [False] * 2
    start = perf_counter()
    for hour in range(days * 24):
        now += timedelta(hours=1)
        last.append(profile(stream.rows(hourly), stream.signature, reference))
        if hour < 24:
            continue
        alpha, balance = take(SETTINGS, before, now, 1 / 24)
        before = Spent(now.isoformat(), alpha, balance)
        current = reduce(merge, last)
        found = (
            drift(reference, current, alpha / 2),
            drift(reference, current, 0.05),
        )
        for way, columns in enumerate(found):
            alarmed = any(column.alarmed for column in columns.values())
            looks[way] += alarmed
            alarms[way] += alarmed and not was[way]
            was[way] = alarmed
    print(
        f"{days} days, {days * 24} looks, {hourly * 24} rows a window, memory {hours} h, {perf_counter() - start:.0f} s"
    )
    print(f"allowed: {days * 86400 / 2629746:.1f} alarms")
    for name, looked, alarmed in zip(("millrace", "5 % a look"), looks, alarms, strict=True):
        print(f"{name:16} {alarmed:5} alarms, {looked:5} looks that alarm", flush=True)


def sizes() -> None:
    """The verdict on no drift, a trifle and a drift of one column, at four numbers of rows."""
    stream = Stream(20, 0.0, seed=2)
    reference = profile(stream.rows(200_000), stream.signature)
    for shift in (0.0, 0.03, 0.3):
        verdicts = []
        for rows in (1_000, 10_000, 100_000, 1_000_000):
            parts = [profile(stream.rows(rows // 20, shift), stream.signature, reference) for _ in range(20)]
            columns = drift(reference, reduce(merge, parts), take(SETTINGS, None, datetime(2026, 1, 1), 1.0)[0] / 2)
            verdicts.append(f"{rows}: {[name for name, column in columns.items() if column.alarmed]}")
        print(f"mean of c0 moved by {shift} sd: ", *verdicts, sep="  ", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--memory", type=float, default=0.0)
    asked = parser.parse_args()
    sizes()
    months(asked.days, asked.rows, asked.memory)
