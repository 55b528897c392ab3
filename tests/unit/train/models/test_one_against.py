"""Classes told apart two at a time answer as worked by hand, and as scikit-learn does."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from millrace.train.models.one_against import OneVsOneLogistic, OneVsRestLogistic


@pytest.fixture
def rows():
    random = np.random.default_rng(2)
    truth = np.arange(90) % 3
    return random.normal(size=(90, 4)) + np.eye(4)[truth], truth


def two(matrix, goal, weights=None):
    return LogisticRegression().fit(matrix, goal, weights)


def test_one_against_the_rest_is_scikit_learns(rows):
    theirs = OneVsRestClassifier(LogisticRegression()).fit(*rows).predict_proba(rows[0])
    np.testing.assert_allclose(OneVsRestLogistic(two).fit(*rows).predict_proba(rows[0]), theirs, atol=1e-12)


def test_two_classes_one_against_one_are_a_logistic_regression(rows):
    matrix, truth = rows[0], rows[1] % 2
    expected = two(matrix, truth).predict_proba(matrix)
    np.testing.assert_allclose(OneVsOneLogistic(two).fit(matrix, truth).predict_proba(matrix), expected, atol=1e-12)


def test_pairs_are_coupled_by_hand():
    model = OneVsOneLogistic(two)
    model.classes_, model.coef_ = np.arange(3), np.zeros((3, 1))
    # P(1 against 0) = 3/4, P(2 against 0) = 1/2, P(2 against 1) = 1/4: scores ln 3, 0 and -ln 3.
    model.intercept_ = np.array([np.log(3), 0, -np.log(3)])
    # Class 0: 1 / (4 + 2 - 1) = 1/5; class 1: 1 / (4/3 + 4/3 - 1) = 3/5; class 2: 1 / (2 + 4 - 1) = 1/5.
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 1))), [[0.2, 0.6, 0.2]])
