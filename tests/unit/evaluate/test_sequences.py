"""Looking after every value makes no more false verdicts than promised, and finds what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from millrace.evaluate.sequences import Moments, difference, mean, needed, radius

ALPHA, TIGHTEST, MINIMUM = 0.05, 1000.0, 200


def ever_differs(first: float, second: float, runs: int, rows: int, seed: int) -> float:
    """The part of runs in which two rates are ever told apart by one who looks after every row."""
    random = np.random.default_rng(seed)
    group = random.random((runs, rows)) < 0.5
    value = random.random((runs, rows)) < np.where(group, second, first)
    counts = [np.cumsum(side, axis=1, dtype=float)[:, 4 * MINIMUM :] for side in (~group, group)]
    sums = [np.cumsum(value & side, axis=1, dtype=float)[:, 4 * MINIMUM :] for side in (~group, group)]
    rates = [total / count for total, count in zip(sums, counts, strict=True)]
    sides = [Moments(count, rate, rate * (1 - rate)) for count, rate in zip(counts, rates, strict=True)]
    interval = difference(*sides, ALPHA, TIGHTEST)
    return float(((interval.low > 0) | (interval.high < 0)).any(axis=1).mean())


def test_equal_rates_are_told_apart_in_no_more_runs_than_promised_however_often_one_looks() -> None:
    assert ever_differs(0.3, 0.3, runs=200, rows=4000, seed=11) <= ALPHA


def test_an_interval_for_one_look_would_break_that_promise() -> None:
    # The same looks with the fixed interval of 1.96 standard errors: what this module is there to avoid.
    random = np.random.default_rng(11)
    sums = np.cumsum(random.normal(size=(200, 4000)), axis=1)[:, 400:]
    ever = (np.abs(sums) / np.sqrt(np.arange(401, 4001)) > 1.96).any(axis=1).mean()
    assert ever > 0.2


def test_different_rates_are_told_apart() -> None:
    assert ever_differs(0.3, 0.4, runs=50, rows=4000, seed=11) >= 0.95


def test_the_width_worked_by_hand() -> None:
    # scale 1000 / (5.991 + ln 6.991) = 126.0; sqrt(1126 · ln(1126 / (126 · 0.0025))) / 1000
    assert radius(1000, 1.0, 0.05, 1000) == pytest.approx(math.sqrt(1126 * math.log(1126 / 0.315)) / 1000, rel=1e-3)


def test_two_groups_are_as_one_of_half_their_harmonic_mean() -> None:
    one, other = Moments(2000, 0.0, 1.0), Moments(2000, 0.5, 1.0)
    assert difference(one, other, ALPHA, TIGHTEST).high - 0.5 == pytest.approx(
        float(mean(Moments(1000, 0.0, 1.0), ALPHA, TIGHTEST).high)
    )


@pytest.mark.parametrize("rows", [300.0, 1000.0, 25_000.0])
def test_the_rows_needed_are_those_at_which_the_interval_leaves_zero_out(rows: float) -> None:
    width = float(radius(rows, 2.0, ALPHA, TIGHTEST))
    assert needed(-width, 2.0, ALPHA, TIGHTEST) == pytest.approx(rows, rel=0.01)
    assert needed(0.0, 2.0, ALPHA, TIGHTEST) == math.inf
