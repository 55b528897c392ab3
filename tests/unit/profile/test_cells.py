"""Cells hold equal shares, frequent values stand alone, and counting agrees with NumPy's histogram."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from millrace.profile.cells import CELLS, count, edges

ABOVE_1, ABOVE_2, ABOVE_3 = 1.0000000000000002, 2.0000000000000004, 3.0000000000000004


def test_few_values_are_a_cell_each_with_empty_ones_between() -> None:
    values = np.array([3.0, 1.0, 2.0, 2.0] * 5)
    ends = (1.0, ABOVE_1, 2.0, ABOVE_2, 3.0, ABOVE_3)
    assert edges(values) == ends
    assert count(values, ends) == (0, 5, 0, 10, 0, 5, 0)
    assert count(np.array([1.5, 2.5, 2.5, 9.0]), ends) == (0, 0, 1, 0, 2, 0, 1)


def test_a_small_reference_gets_few_cells() -> None:
    assert edges(np.array([3.0, 1.0, 2.0])) == (1.0, ABOVE_3)
    assert count(np.arange(20.0), edges(np.arange(20.0))) == (0, 5, 5, 5, 5, 0)


def test_nothing_gives_one_cell_for_everything() -> None:
    assert edges(np.array([])) == ()
    assert count(np.array([1.0, 2.0]), ()) == (2,)
    assert count(np.array([]), (1.0, 2.0)) == (0, 0, 0)


def test_many_values_share_the_rows_equally() -> None:
    values = np.arange(3200.0)
    counts = count(values, edges(values))
    assert counts == (0, *[100] * CELLS, 0)


def test_a_frequent_value_stands_alone() -> None:
    values = np.concatenate((np.zeros(500), np.arange(1.0, 501.0)))
    ends = edges(values)
    counts = dict(zip(ends, count(values, ends)[1:], strict=True))
    assert counts[0.0] == 500
    assert count(np.array([0.0]), ends)[1] == 1
    assert count(np.array([5e-324]), ends)[1] == 0


def test_values_that_a_glance_does_not_show_are_cells_too() -> None:
    values = np.where(np.arange(10_000) % 10 == 0, 0.0, np.arange(10_000.0))  # every tenth is 0
    assert edges(values)[:2] == (0.0, 5e-324)
    assert len(edges(values)) == CELLS - 3 + 2  # 1,000 zeros span four of the cells, and have one of their own


def test_the_outer_cells_lie_beyond_the_reference() -> None:
    ends = edges(np.arange(1000.0))
    assert count(np.array([-0.001, -np.inf, 0.0, 999.0, 999.001, np.inf]), ends)[0] == 2
    assert count(np.array([-0.001, -np.inf, 0.0, 999.0, 999.001, np.inf]), ends)[-1] == 2


@given(arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6)))
def test_counting_agrees_with_binary_search(values: np.ndarray) -> None:
    ends = edges(values[: values.size // 2 + 1])
    places = np.searchsorted(ends, values, side="right")
    assert count(values, ends) == tuple(np.bincount(places, minlength=len(ends) + 1).tolist())


@pytest.mark.parametrize("size", [32_767, 32_768, 32_769, 100_000])
def test_blocks_lose_no_number(size: int) -> None:
    values = np.random.default_rng(0).normal(size=size)
    ends = edges(values)
    assert count(values, ends)[0] == 0
    assert sum(count(values, ends)) == size
    assert list(count(values, ends)[1:-1]) == np.histogram(values, bins=ends)[0].tolist()
