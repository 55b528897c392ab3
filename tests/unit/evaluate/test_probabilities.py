import numpy as np
import pytest

from millrace.evaluate.probabilities import ece, reliability, weighted_ece


def test_reliability_leaves_empty_bins_out():
    bins = reliability(np.array([0, 1, 1]), np.array([0.01, 0.03, 1.0]))
    assert (bins.rows.tolist(), bins.promised.tolist(), bins.true.tolist()) == ([2, 1], [0.02, 1.0], [0.5, 1.0])


def test_many_classes_are_judged_by_the_class_called():
    chances = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    assert ece(np.array([0, 0]), chances) == pytest.approx(0.2)  # promised 0.7, right once in two


def test_equal_weights_change_nothing():
    rng = np.random.default_rng(0)
    truth, chance = rng.integers(0, 2, 200), rng.random(200)
    assert weighted_ece(truth, chance)(np.full(200, 3.0)) == pytest.approx(ece(truth, chance), abs=1e-12)


def test_a_row_without_weight_does_not_count():
    truth, chance = np.array([1, 0]), np.array([0.9, 0.9])
    assert weighted_ece(truth, chance)(np.array([1.0, 0.0])) == pytest.approx(0.1)
