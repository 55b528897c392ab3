"""How often drift is alarmed when there is none, and how late when there is: 100 dependent columns, hourly looks.

    python bench/false_alarms.py [--days 60] [--rows 1000] [--memory 0.5] [--season 0.5] [--drifts 10] [--seeds 5]

Half of the columns are numbers, half categories; all share eight hidden factors, and each row resembles the one before
it, with a memory of `--memory` hours (0: independent rows); with `--season`, they swing by so many standard deviations
from day to night. `--seeds` are so many projects, each of so many days; of all but the first Millrace alone is asked.
A look judges the last 24 hours, and the last eight days together, as `millrace monitor` does. Three ways see the same
hours: Millrace, the same without what it learns of dependence, both with the budget of one false alarm per month, and
the customary 5 % at every look, which is corrected for the number of columns but not for that of looks. Then `--drifts`
times the mean of one column moves by half and by one standard deviation, ten days after a release: how many hours until
that column alarms. Last the same drift, and none, at 1 k to 1 M rows a window, with the same memory in hours.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import reduce
from time import perf_counter
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.signal import lfilter

from millrace.config.schema import MonitorSettings
from millrace.monitor.learning import LEARN
from millrace.monitor.look import ENOUGH, WINDOWS
from millrace.monitor.spending import Spent, take
from millrace.profile.build import profile
from millrace.profile.dependence import dependence
from millrace.profile.drift import drift
from millrace.profile.merge import merge
from millrace.records.monitoring import ColumnDrift
from millrace.records.profile import ColumnDependence, Profile
from millrace.records.signature import Field, Signature

SETTINGS = MonitorSettings(false_alarms="1 per month")
FACTORS = 8


class Stream:
    """Rows without end: `columns` columns of which each row resembles the one before it by `memory` (0 to 1)."""

    def __init__(self, columns: int, memory: float, seed: int, season: tuple[float, int] = (0.0, 1)) -> None:
        self.draw, self.memory, self.columns = np.random.default_rng(seed), memory, columns
        self.loads = np.random.default_rng(7).normal(0, 0.5, (FACTORS, columns))
        self.state = self.draw.normal(0, 1, (1, FACTORS + columns))
        self.season, self.passed = season, 0
        fields = (Field(f"c{n}", "number" if n % 2 == 0 else "category") for n in range(columns))
        self.signature = Signature("regression", "y", tuple(fields))

    def rows(self, count: int, shift: float = 0.0) -> pl.DataFrame:
        """Draw the next `count` rows; the mean of `c0` is moved by `shift` standard deviations."""
        noise = self.draw.normal(0, np.sqrt(1 - self.memory**2), (count, self.state.shape[1]))
        hidden, _ = lfilter([1.0], [1.0, -self.memory], noise, axis=0, zi=self.memory * self.state)
        self.state = hidden[-1:]
        values = hidden[:, :FACTORS] @ self.loads + hidden[:, FACTORS:]
        swing, day = self.season
        values += swing * np.sin(2 * np.pi * (self.passed + np.arange(count)) / day)[:, None]
        self.passed += count
        values[:, 0] += shift * np.sqrt(1 + (self.loads[:, 0] ** 2).sum())
        names = np.array(["low", "middle", "high"])
        return pl.DataFrame(
            {
                f"c{n}": values[:, n] if n % 2 == 0 else names[np.digitize(values[:, n], (-0.7, 0.7))]
                for n in range(self.columns)
            }
        )


class Window:
    """The newest hours as one profile: those of the past are merged once, from the newest back, not at every look."""

    def __init__(self, hours: int) -> None:
        self.hours, self.front, self.back = hours, list[Profile](), list[Profile]()
        self.behind: Profile | None = None

    def with_another(self, hour: Profile) -> Profile:
        """The window once another hour has passed; the oldest one leaves a full one."""
        if len(self.front) + len(self.back) == self.hours:
            if not self.front:
                for one in reversed(self.back):
                    self.front.append(merge(one, self.front[-1]) if self.front else one)
                self.back, self.behind = [], None
            self.front.pop()
        self.back.append(hour)
        self.behind = hour if self.behind is None else merge(self.behind, hour)
        return merge(self.front[-1], self.behind) if self.front else self.behind


class Look(NamedTuple):
    """What is judged: the last day, the eight last ones where they are not too many rows, and the level."""

    day: Profile
    longer: Profile | None
    alpha: float

    def drift(
        self, reference: Profile, known: Mapping[str, ColumnDependence], alpha: float | None = None
    ) -> dict[str, ColumnDrift]:
        """As `millrace monitor` judges it, at another level where one is given."""
        return drift(reference, self.day, self.alpha if alpha is None else alpha, known, self.longer)


class Looks:
    """A release and the hours after it, as `millrace monitor` looks at them: in profiles of hours."""

    def __init__(self, stream: Stream, hourly: int, reference: Profile | None = None) -> None:
        self.stream, self.hourly = stream, hourly
        self.reference = reference or profile(stream.rows(50 * 24 * hourly), stream.signature)
        self.hours: list[Profile] = []
        self.window = Window(24)
        self.longer = Window(min(24 * WINDOWS, ENOUGH // hourly))
        self.spent: Spent | None = None
        self.known: dict[str, ColumnDependence] = {}

    def hour(self, shift: float = 0.0) -> Look | None:
        """Let an hour pass, and look; None on the first day."""
        self.hours.append(profile(self.stream.rows(self.hourly, shift), self.stream.signature, self.reference))
        day = self.window.with_another(self.hours[-1])
        longer = self.longer.with_another(self.hours[-1]) if self.longer.hours > 24 else None
        passed = len(self.hours) - 24
        if passed < 0:
            return None
        learned = 1 << (min(passed // 24, LEARN).bit_length() - 1) if passed >= 24 else 0
        if passed == 24 * learned or not learned:
            self.known = dependence(self.hours[: 24 * max(learned, 1)], 24)
        now = datetime(2026, 1, 1) + timedelta(hours=passed)
        alpha, balance = take(SETTINGS, self.spent, now, 1 / 24)
        self.spent = Spent(now.isoformat(), alpha, balance)
        return Look(day, longer if passed else None, alpha / 2)


def months(days: int, looks: Looks, ways: int = 3) -> list[int]:
    """Look every hour; count the looks that alarm, and the alarms (looks that alarm after one that did not)."""
    found, alarms, was = [0] * ways, [0] * ways, [False] * ways
    start = perf_counter()
    for _ in range(days * 24):
        if (look := looks.hour()) is None:
            continue
        for way, (level, known) in enumerate(((look.alpha, looks.known), (look.alpha, {}), (0.05, {}))[:ways]):
            alarms_now = any(column.alarmed for column in look.drift(looks.reference, known, level).values())
            found[way] += alarms_now
            alarms[way] += alarms_now and not was[way]
            was[way] = alarms_now
    print(f"{days} days, {days * 24} looks, {looks.hourly * 24} rows a window, {perf_counter() - start:.0f} s")
    print(f"allowed: {days * 86400 / 2629746:.1f} alarms")
    for name, looked, cried in zip(("millrace", "dependence unknown", "5 % a look"), found, alarms, strict=False):
        print(f"{name:18} {cried:5} alarms, {looked:5} looks that alarm", flush=True)
    return alarms


def drifts(times: int, memory: float, hourly: int, season: tuple[float, int]) -> None:
    """Hours from the moment a column moves until it alarms, in 20 columns; missed when it takes more than two days."""
    for shift in (0.5, 1.0):
        delays: dict[str, list[float]] = {"millrace": [], "dependence unknown": []}
        for seed in range(times):
            looks = Looks(Stream(20, memory, 100 + seed, season), hourly)
            for _ in range(10 * 24):
                looks.hour()
            found = dict.fromkeys(delays, float("inf"))
            for hour in range(1, 49):
                look = looks.hour(shift)
                for name, known in (("millrace", looks.known), ("dependence unknown", {})):
                    if look and look.drift(looks.reference, known)["c0"].alarmed:
                        found[name] = min(found[name], hour)
            for name, hours in found.items():
                delays[name].append(hours)
        for name, hours in delays.items():
            missed = sum(map(np.isinf, hours))
            print(f"moved by {shift} sd, {name:18} after {np.median(hours):.0f} h (median), {missed} of {times} missed")


def sizes(memory: float) -> None:
    """The verdict on no drift, a trifle and a drift of one column, at four numbers of rows and the same memory."""
    for shift in (0.0, 0.03, 1.0 if memory else 0.3):
        verdicts = []
        for rows in (1_000, 10_000, 100_000, 1_000_000):
            hourly = rows // 24
            stream = Stream(4, float(np.exp(-1 / (hourly * memory))) if memory else 0.0, seed=2)
            known = profile(stream.rows(200_000), stream.signature)
            if memory:
                known = reduce(merge, (profile(stream.rows(hourly), stream.signature, known) for _ in range(24 * 20)))
            looks = Looks(stream, hourly, known)
            for _ in range(24 * 3):
                looks.hour()
            look = [looks.hour(shift) for _ in range(24)][-1]
            columns = look.drift(known, looks.known) if look else {}
            verdicts.append(f"{rows}: {[name for name, column in columns.items() if column.alarmed]}")
        print(f"mean of c0 moved by {shift} sd: ", *verdicts, sep="  ", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--memory", type=float, default=0.0)
    parser.add_argument("--season", type=float, default=0.0)
    parser.add_argument("--drifts", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--alone", action="store_true", help="ask Millrace alone")
    parser.add_argument("--sizes", action="store_true")
    asked = parser.parse_args()
    each = max(asked.rows // 24, 1)
    alike = float(np.exp(-1 / (each * asked.memory))) if asked.memory else 0.0
    swings = (asked.season, each * 24)
    print(f"memory {asked.memory} h, season {asked.season} sd")
    if asked.sizes:
        sizes(asked.memory)
    if asked.days:
        cried = [
            months(
                asked.days, Looks(Stream(100, alike, seed, swings), each), 3 if seed == 1 and not asked.alone else 1
            )[0]
            for seed in range(asked.first, asked.first + asked.seeds)
        ]
        allowed = asked.seeds * asked.days * 86400 / 2629746
        print(f"{asked.seeds} projects of {asked.days} days: {sum(cried)} false alarms, {allowed:.1f} allowed")
    if asked.drifts:
        drifts(asked.drifts, alike, each, swings)
