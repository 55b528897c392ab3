"""How served rows depend on those before them is learned after a release, and not from what is judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.signal import lfilter

from millrace.monitor.learning import learn
from millrace.monitor.spending import Spent
from millrace.profile.build import profile
from millrace.records.profile import ColumnDependence, Dependence, Profile
from millrace.records.signature import Field, Signature

SIGNATURE = Signature("regression", "y", (Field("x", "number"),))
DAY = 86_400.0


def served(days: float, memory: float, shift: float = 0.0, *, start: float = 0.0, seed: int = 0) -> pl.DataFrame:
    """A row every two minutes, each like the one before by `memory`."""
    count = int(days * 720)
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - memory**2), count + 500)
    values = lfilter([1.0], [1.0, -memory], noise)[500:] + shift
    first = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=start)
    return pl.DataFrame({"at": [first + timedelta(minutes=2 * n) for n in range(count)], "x": values})


@pytest.fixture
def count() -> Callable[[pl.DataFrame], Profile]:
    reference = profile(served(10, 0.0, seed=9), SIGNATURE)
    return lambda rows: profile(rows, SIGNATURE, reference)


def last_day(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("at") > rows["at"][-1] - timedelta(days=1))


@pytest.mark.parametrize(("days", "windows"), [(0.5, 0), (1.5, 0), (2.5, 1), (4.5, 2), (5.5, 4), (9.5, 8), (30, 8)])
def test_it_is_learned_anew_whenever_the_windows_have_doubled(count, days: float, windows: int) -> None:
    rows = served(days, 0.8)
    known, learned = learn(rows, last_day(rows), DAY, None, count)
    assert learned == windows
    assert 3 < known["x"].values.inflation < 30  # in theory 9, the wider known the shorter the log


def test_what_was_learned_from_as_much_is_kept(count) -> None:
    kept = {"x": ColumnDependence(Dependence(7.0, 20.0))}
    rows = served(6, 0.8)
    assert learn(rows, last_day(rows), DAY, Spent("", 0.1, dependence=kept, learned=4), count) == (kept, 4)
    assert learn(rows, last_day(rows), DAY, Spent("", 0.1, dependence=kept, learned=2), count)[1] == 4


def test_a_drift_does_not_teach_that_it_is_usual(count) -> None:
    rows = pl.concat([served(3, 0.0), served(1, 0.0, 3.0, start=3, seed=1)])
    assert learn(rows, last_day(rows), DAY, None, count)[0]["x"].values.inflation < 4  # else hundreds
    kept = {"x": ColumnDependence()}
    alarmed = Spent("", 0.1, alarmed="2026-01-04T00:00:00+00:00", dependence=kept, learned=2)
    later = pl.concat([rows, served(6, 0.0, 3.0, start=4, seed=2)])
    assert learn(later, last_day(later), DAY, alarmed, count) == (kept, 2)


def test_rows_that_come_in_batches_are_divided_by_their_number(count) -> None:
    rows = served(5, 0.8).with_columns(pl.col("at").dt.truncate("1d"))
    assert 3 < learn(rows, last_day(rows), DAY, None, count)[0]["x"].values.inflation < 30


def test_what_changed_since_the_last_look_is_not_learned_within_the_first_window(count) -> None:
    usual, moved = served(0.5, 0.0), served(0.4, 0.0, 3.0, start=0.5, seed=1)
    rows = pl.concat([usual, moved])
    looked = Spent(usual["at"][-1].isoformat(), 0.1)
    assert learn(rows, rows, DAY, looked, count)[0]["x"].values.inflation < 4  # else hundreds
    assert learn(rows, rows, DAY, None, count)[0]["x"].values.inflation > 50
