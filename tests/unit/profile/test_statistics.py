"""The statistics agree with SciPy and with pencil and paper, keep their level, and measure alike at every size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, kstest, mannwhitneyu, mood

from millrace.profile.cells import count, edges
from millrace.profile.statistics import beyond, chi_squared, directed, holm, join, le_cam_distance, more_often


def counts(*values: int) -> np.ndarray:
    return np.array(values)


def test_chi_squared_worked_by_hand() -> None:
    # Expected 40 and 60 in both rows: (10² + 10²) / 40 + (10² + 10²) / 60 = 5 + 3.333
    statistic, p_value = chi_squared(counts(30, 70), counts(50, 50), laid=False)
    assert statistic == pytest.approx(25 / 3)
    assert p_value == pytest.approx(0.003892417122778637)


@pytest.mark.parametrize(("a", "b"), [([30, 70, 25], [50, 50, 20]), ([400, 30, 70], [44, 8, 9])])
def test_chi_squared_agrees_with_scipy(a: list[int], b: list[int]) -> None:
    peer = chi2_contingency([a, b], correction=False)
    assert chi_squared(np.array(a), np.array(b), laid=False) == pytest.approx((peer.statistic, peer.pvalue))


def test_laid_cells_take_the_smaller_statistic() -> None:
    # The shares are 0.4 and 0.6 by construction; variances 100 * 0.4 * 2 and so on: 4² / 80 + 4² / 120 = 0.3333.
    # Pearson's, 4² / 76 + 4² / 124 = 0.3396, is larger.
    assert chi_squared(counts(40, 60), counts(36, 64), laid=True)[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("ordered", "reference", "joined"),
    [
        pytest.param(True, [2, 40, 3, 50, 4], [42, 57], id="neighbours, and the rest with the last"),
        pytest.param(True, [5, 5, 6], [5, 5, 6], id="just enough"),
        pytest.param(True, [0, 50, 0], [50], id="all in one"),
        pytest.param(False, [2, 40, 3, 50, 4], [50, 40, 9], id="the rare ones together"),
        pytest.param(False, [40, 50, 0], [50, 40], id="never seen with the rarest"),
        pytest.param(False, [1, 1, 1], [3], id="all in one, unordered"),
        pytest.param(False, [0], [0], id="nothing"),
    ],
)
def test_thin_cells_are_joined(ordered: bool, reference: list[int], joined: list[int]) -> None:
    before, now = join(np.array(reference), np.array(reference), ordered=ordered)
    assert before.tolist() == now.tolist() == joined


def test_few_current_rows_join_more_cells() -> None:
    before, now = join(counts(60, 40, 60, 40), counts(5, 1, 1, 3), ordered=True)
    assert (before.tolist(), now.tolist()) == ([100, 100], [6, 4])


@pytest.mark.parametrize(("a", "b"), [([0, 0], [5, 5]), ([5, 5], [0, 0]), ([7], [9])], ids=str)
def test_no_rows_or_one_cell_say_nothing(a: list[int], b: list[int]) -> None:
    assert chi_squared(np.array(a), np.array(b), laid=True) == (0.0, 1.0)


@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (1000, 150), (300, 3000)])
def test_p_values_of_numbers_are_uniform_when_nothing_changed(n: int, m: int) -> None:
    draw = np.random.default_rng(n + m)
    p_values = []
    for _ in range(400):
        reference = draw.normal(size=n)
        ends = edges(reference)
        samples = np.array(count(reference, ends)), np.array(count(draw.normal(size=m), ends))
        p_values.append(chi_squared(*join(*samples, ordered=True), laid=True)[1])
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 0.01
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.045, abs=0.025)


def spread_out(counts: list[int]) -> np.ndarray:
    return np.repeat(range(len(counts)), counts)


def test_place_agrees_with_mann_whitney_and_spread_with_mood() -> None:
    even, later, outer = [50, 50, 50, 50], [40, 45, 55, 60], [70, 30, 30, 70]
    place, spread = directed(np.array(even), np.array(later), laid=False)
    theirs = mannwhitneyu(spread_out(even), spread_out(later), use_continuity=False, method="asymptotic").pvalue
    assert place == pytest.approx(theirs, rel=0.05)
    assert spread > 0.9
    place, spread = directed(np.array(even), np.array(outer), laid=False)
    assert spread == pytest.approx(mood(spread_out(even), spread_out(outer)).pvalue, rel=0.05)
    assert place > 0.9


@pytest.mark.parametrize(("a", "b"), [([0, 0], [5, 5]), ([5, 5], [0, 0]), ([7], [9]), ([0, 9, 0], [0, 9, 0])], ids=str)
def test_without_rows_or_cells_nothing_has_a_direction(a: list[int], b: list[int]) -> None:
    assert directed(np.array(a), np.array(b), laid=True) == (1.0, 1.0)


@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (1000, 100), (200, 2000)])
def test_directions_are_no_likelier_by_chance_than_they_say(n: int, m: int) -> None:
    draw = np.random.default_rng(n * m)
    laid = np.array([n // 32] * 32)
    found = np.array(
        [
            directed(*join(laid, draw.multinomial(m, shares), ordered=True), laid=True)
            for shares in draw.dirichlet(laid.astype(float), 4000)
        ]
    )
    assert (found < 0.05).mean(axis=0) == pytest.approx([0.05, 0.05], abs=0.012)
    assert ((found < 0.001).mean(axis=0) < 0.0025).all()


def test_p_values_of_categories_are_uniform_when_nothing_changed() -> None:
    draw = np.random.default_rng(7)
    shares = [0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.02]
    samples = zip(draw.multinomial(1000, shares, 1000), draw.multinomial(300, shares, 1000), strict=True)
    p_values = [chi_squared(*join(a, b, ordered=False), laid=False)[1] for a, b in samples]
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_distance_worked_by_hand() -> None:
    # Half of (0.1² / 1.1 + 0.1² / 0.9); with a million rows chance adds nothing that shows.
    assert le_cam_distance(counts(500_000, 500_000), counts(600_000, 400_000)) == pytest.approx(0.1005, abs=1e-4)


def test_distance_ends() -> None:
    assert le_cam_distance(counts(70, 30), counts(70, 30)) == 0.0
    assert le_cam_distance(counts(50, 0), counts(0, 50)) == 1.0
    assert le_cam_distance(counts(1, 0), counts(0, 50)) == 0.0


@pytest.mark.parametrize("rows", [1_000, 10_000, 100_000, 1_000_000])
def test_distance_of_half_a_standard_deviation_is_a_quarter_at_every_size(rows: int) -> None:
    draw = np.random.default_rng(rows)
    reference, current = draw.normal(size=rows), draw.normal(0.5, size=rows)
    ends = edges(reference)
    distance = le_cam_distance(np.array(count(reference, ends)), np.array(count(current, ends)))
    assert distance == pytest.approx(0.242, abs=0.05 if rows < 10_000 else 0.02)


tables = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12).map(np.array)


@given(tables)
def test_distance_is_symmetric_and_between_zero_and_one(table: np.ndarray) -> None:
    one, other = table[:, 0], table[:, 1]
    assert le_cam_distance(one, other) == pytest.approx(le_cam_distance(other, one))
    assert 0.0 <= le_cam_distance(one, other) <= 1.0 + 1e-12


@given(tables, st.booleans())
def test_joining_loses_no_row_and_p_values_lie_between_zero_and_one(table: np.ndarray, ordered: bool) -> None:
    before, now = join(table[:, 0], table[:, 1], ordered=ordered)
    assert (before.sum(), now.sum()) == (table[:, 0].sum(), table[:, 1].sum())
    statistic, p_value = chi_squared(before, now, laid=ordered)
    assert statistic >= 0.0
    assert 0.0 <= p_value <= 1.0


def test_more_often_is_fishers_exact_test() -> None:
    assert more_often(1, 10, 6, 10) == pytest.approx(fisher_exact([[6, 4], [1, 9]], alternative="greater").pvalue)
    assert more_often(0, 10, 0, 10) == 1.0
    assert more_often(0, 0, 3, 10) == 1.0


def test_beyond_worked_by_hand() -> None:
    # Of two old values and one new one each is the middle one as often: outside with chance 2/3.
    assert beyond(2, 1, 1) == pytest.approx(2 / 3)
    # Three old, two new; both outside: 12 of 20 orders have none, 1 - P(0) - P(1) = 0.3 by the Polya urn: 2/4 * 3/5.
    assert beyond(3, 2, 2) == pytest.approx(0.3)
    assert beyond(100, 0, 50) == 1.0
    assert beyond(0, 5, 50) == beyond(5, 0, 0) == 1.0


def test_beyond_keeps_its_level() -> None:
    draw = np.random.default_rng(3)
    outside = []
    for _ in range(4000):
        old, new = draw.exponential(size=50), draw.exponential(size=60)
        outside.append(int(((new < old.min()) | (new > old.max())).sum()))
    assert np.mean([beyond(50, number, 60) < 0.05 for number in outside]) == pytest.approx(0.04, abs=0.012)


@pytest.mark.parametrize(
    ("p_values", "fallen"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"a": 0.05}, "a", id="one, at the level"),
        pytest.param({"a": 0.02, "b": 0.06}, "a", id="first at half the level"),
        pytest.param({"a": 0.02, "b": 0.04}, "ab", id="then the next at the whole"),
        pytest.param({"a": 0.03, "b": 0.03}, "", id="Bonferroni for the first"),
        pytest.param({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}, "ad", id="Holm's own example"),
    ],
)
def test_holm(p_values: dict[str, float], fallen: str) -> None:
    assert holm(p_values, 0.05) == frozenset(fallen)
