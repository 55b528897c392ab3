"""Rows that resemble those before them are counted for what they tell, and independent ones are left alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.signal import lfilter

from millrace.profile.build import profile
from millrace.profile.dependence import dependence, studentised
from millrace.profile.drift import drift
from millrace.records.profile import ColumnDependence, Dependence, Profile
from millrace.records.signature import Field, Signature

SIGNATURE = Signature("regression", "y", (Field("x", "number"), Field("word", "category")))
HOUR, DAYS = 40, 8


def rows(seed: int, count: int, memory: float, swing: float = 0.0) -> pl.DataFrame:
    """An AR(1) process of unit variance; the variance of its mean is (1 + memory) / (1 - memory) times too large."""
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - memory**2), count + 500)
    values = lfilter([1.0], [1.0, -memory], noise)[500:]
    values += swing * np.sin(2 * np.pi * np.arange(count) / (24 * HOUR))
    return pl.DataFrame({"x": values, "word": np.array(["low", "middle", "high"])[np.digitize(values, (-0.7, 0.7))]})


def hours(seed: int, memory: float, swing: float = 0.0) -> tuple[Profile, list[Profile]]:
    reference = profile(rows(1000, 20_000, 0.0), SIGNATURE)
    stream = rows(seed, 24 * DAYS * HOUR, memory, swing)
    return reference, [profile(stream[at : at + HOUR], SIGNATURE, reference) for at in range(0, stream.height, HOUR)]


@pytest.mark.parametrize(("memory", "expected"), [(0.5, 3.0), (0.8, 9.0), (0.95, 39.0)])
def test_the_inflation_is_that_of_the_theory(memory: float, expected: float) -> None:
    found = [dependence(hours(seed, memory)[1])["x"].values.inflation for seed in range(4)]
    assert expected * 0.75 < np.mean(found) < expected * 1.4, found


def test_independent_rows_are_left_alone() -> None:
    found = [dependence(hours(seed, 0.0)[1]) for seed in range(10)]
    assert sum(one["x"].values.blocks is not None for one in found) <= 4
    assert all(one["x"].missing == Dependence() for one in found)
    assert max(one["x"].values.inflation for one in found) < 1.6


def test_day_and_night_are_no_dependence_once_they_were_seen_to_return() -> None:
    _, blocks = hours(1, 0.0, swing=0.7)
    assert dependence(blocks)["x"].values.inflation > 20
    assert dependence(blocks, phases=24)["x"].values.inflation < 1.6


def test_values_that_go_missing_together_are_dependent_though_the_others_are_not() -> None:
    reference, stream = profile(rows(1, 5000, 0.0), SIGNATURE), rows(2, 200 * HOUR, 0.0)
    gone = np.arange(stream.height) % (20 * HOUR) < HOUR // 2
    holes = stream.with_columns(pl.when(pl.Series(gone)).then(None).otherwise("x").alias("x"))
    blocks = [profile(holes[at : at + HOUR], SIGNATURE, reference) for at in range(0, stream.height, HOUR)]
    found = dependence(blocks)["x"]
    assert found.missing.inflation > 10
    assert found.values.inflation < 1.6


def test_a_constant_column_and_no_blocks_depend_on_nothing() -> None:
    same = pl.DataFrame({"x": [1.0] * 50, "word": ["a"] * 50})
    known = profile(same, SIGNATURE)
    assert dependence([known] * 30)["x"] == dependence([known] * 30)["word"] == ColumnDependence()
    assert dependence([]) == {}


def test_dependent_rows_alarm_falsely_unless_their_dependence_is_known() -> None:
    reference, blocks = hours(3, 0.9)
    known = dependence(blocks)
    looks = [profile(rows(seed, 1000, 0.9), SIGNATURE, reference) for seed in range(30)]
    alarmed = [
        sum(any(one.alarmed for one in drift(reference, look, 0.05, what).values()) for look in looks)
        for what in (known, {})
    ]
    assert alarmed[0] <= 4  # more than 4 of 30 has a chance of 2 % when each alarms with 5 %
    assert alarmed[1] > 20


@pytest.mark.parametrize("seed", range(3))
def test_a_drift_is_found_among_dependent_rows(seed: int) -> None:
    reference, blocks = hours(seed, 0.9)
    moved = rows(seed + 50, 1000, 0.9).with_columns(pl.col("x") + 1.2)
    columns = drift(reference, profile(moved, SIGNATURE, reference), 0.001, dependence(blocks))
    assert columns["x"].alarmed


def test_a_scale_known_from_few_blocks_makes_chance_likelier() -> None:
    assert studentised(0.01, 4, None) == 0.01
    assert 0.01 < studentised(0.01, 4, 100) < studentised(0.01, 4, 10)
    assert studentised(1.0, 4, 10) == 1.0
    assert studentised(0.0, 4, 10) < 1e-6
