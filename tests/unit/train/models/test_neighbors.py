"""Neighbours: as scikit-learn's where no distances are equal, and all of them where some are."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

from millrace.train.models.neighbors import Neighbors


def test_without_ties_they_are_scikit_learns():
    random = np.random.default_rng(0)
    matrix, truth, asked = random.normal(size=(200, 5)), random.normal(size=200), random.normal(size=(30, 5))
    theirs = KNeighborsRegressor(7).fit(matrix, truth).predict(asked)
    np.testing.assert_allclose(Neighbors(7, weighted=False).fit(matrix, truth[:, None]).predict(asked), theirs)


def test_all_that_are_as_far_as_the_last_count():
    points, values = np.array([[0.0], [1.0], [-1.0], [9.0]]), np.array([[0.0], [3.0], [6.0], [100.0]])
    assert Neighbors(2, weighted=False).fit(points, values).predict(np.zeros((1, 1))).tolist() == [3.0]


def test_a_near_one_outweighs_a_far_one():
    points, values = np.array([[1.0], [-2.0]]), np.array([[10.0], [0.0]])
    # Weights 1 and 1/4: 10 * 1 / 1.25 = 8.
    found = Neighbors(2, weighted=True).fit(points, values).predict(np.zeros((1, 1)))
    assert found.tolist() == pytest.approx([8.0], abs=1e-4)


def test_more_neighbours_than_rows_are_all_rows():
    points, values = np.array([[1.0], [2.0]]), np.array([[4.0], [8.0]])
    assert Neighbors(9, weighted=False).fit(points, values).predict(np.zeros((3, 1))).tolist() == [6.0] * 3


@pytest.mark.parametrize("size", [1e-20, 1.0, 1e12])
def test_no_unit_of_the_columns_changes_who_is_near_or_how_much(size):
    random = np.random.default_rng(0)
    matrix, truth, asked = random.normal(size=(200, 3)), random.normal(size=200), random.normal(size=(30, 3))
    theirs = KNeighborsRegressor(7, weights=lambda far: 1 / far**2).fit(matrix, truth).predict(asked)
    ours = Neighbors(7, weighted=True).fit(size * matrix, truth[:, None]).predict(size * asked)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("weighted", [True, False])
def test_far_from_zero_neighbours_are_told_apart_as_near_it(weighted):
    random = np.random.default_rng(0)
    matrix, truth, asked = random.normal(size=(200, 3)), random.normal(size=200), random.normal(size=(30, 3))
    near = Neighbors(7, weighted=weighted).fit(matrix, truth[:, None])
    far = Neighbors(7, weighted=weighted).fit(matrix + 1e6, truth[:, None])
    np.testing.assert_allclose(far.predict(asked + 1e6), near.predict(asked), atol=1e-6)
