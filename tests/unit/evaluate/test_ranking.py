import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from millrace.evaluate.intervals import error_of
from millrace.evaluate.ranking import rank, roc_auc_bounds, roc_auc_influence, steps, weighted_precision


@pytest.fixture(scope="module")
def tied():
    rng = np.random.default_rng(6)
    truth = np.arange(120) % 2
    return truth, np.round(1 / (1 + np.exp(-(rng.normal(size=120) + truth))), 1)


def test_steps_count_what_is_called_at_each_positive_score():
    scores, found, mistaken = steps(rank(np.array([0, 1, 0, 1, 1]), np.array([0.9, 0.8, 0.5, 0.5, 0.2])))
    assert (scores.tolist(), found.tolist(), mistaken.tolist()) == ([0.8, 0.5, 0.2], [1, 2, 3], [1, 2, 2])


@pytest.mark.parametrize("weigh", [1, 0], ids=["a positive", "a negative"])
def test_influence_is_the_change_when_one_row_weighs_more(tied, weigh):
    truth, score = tied
    area, influence = roc_auc_influence(truth, score)
    row = int(np.flatnonzero(truth == weigh)[3])
    weights = np.ones(len(truth))
    weights[row] += 1e-6
    change = (roc_auc_score(truth, score, sample_weight=weights) - area) / 1e-6
    assert influence[row] == pytest.approx(change, abs=1e-6)


def test_error_of_the_area_equals_its_spread_over_resamples(tied):
    truth, score = tied
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(truth), (400, len(truth)))
    spread = np.std([roc_auc_score(truth[drawn], score[drawn]) for drawn in rows])
    assert error_of(roc_auc_influence(truth, score)[1]) == pytest.approx(spread, rel=0.12)


def test_two_columns_have_the_bounds_of_one(tied):
    truth, score = tied
    rng = np.random.default_rng(0)
    value, bounds = roc_auc_bounds(truth, score, rng)
    both, bounds_of_both = roc_auc_bounds(truth, np.stack([1 - score, score], axis=1), rng)
    assert both == pytest.approx(value, abs=1e-12)
    assert bounds_of_both == pytest.approx(bounds, abs=2e-3)


def test_weighted_average_precision_equals_scikit_learn(tied):
    truth, score = tied
    weights = np.random.default_rng(1).standard_exponential(len(truth))
    expected = average_precision_score(truth, score, sample_weight=weights)
    assert weighted_precision(truth, score)(weights) == pytest.approx(expected, abs=1e-12)
