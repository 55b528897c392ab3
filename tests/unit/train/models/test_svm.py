"""Support vector machines: scikit-learn's scores, and probabilities that are learned from unseen rows."""

import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from millrace.train.models.svm import SVMClassifier, SVMRegressor


@pytest.fixture
def rows():
    random = np.random.default_rng(4)
    matrix = random.normal(size=(240, 3))
    return matrix, (matrix**2).sum(axis=1) + random.normal(size=240) / 2


def test_the_scores_are_scikit_learns(rows):
    matrix, score = rows
    truth = (score > 2).astype(int)
    ours = SVMClassifier(1.5, 0.3, 0).fit(matrix, truth)
    theirs = SVC(C=1.5, gamma=0.3).fit(matrix, truth).decision_function(matrix)
    np.testing.assert_allclose(ours.decision_function(matrix)[:, 0], theirs, atol=1e-9)


def test_the_values_are_scikit_learns(rows):
    matrix, value = rows
    center, size = value.mean(), value.std()
    theirs = SVR(C=2.0, gamma=0.2, epsilon=0.1).fit(matrix, (value - center) / size).predict(matrix) * size + center
    np.testing.assert_allclose(SVMRegressor(2.0, 0.2, 0).fit(matrix, value).predict(matrix), theirs, atol=1e-9)


def test_probabilities_are_as_frequent_as_they_say(rows):
    random = np.random.default_rng(9)
    matrix = random.normal(size=(1500, 1))
    truth = (random.random(1500) < 1 / (1 + np.exp(-2 * matrix[:, 0]))).astype(int)
    found = SVMClassifier(0.1, None, 0).fit(matrix, truth).predict_proba(matrix)[:, 1]
    high = found > 0.7
    assert found[high].mean() == pytest.approx(truth[high].mean(), abs=0.05)


def test_three_classes_share_one():
    matrix = np.repeat(np.eye(3), 20, axis=0) + np.random.default_rng(0).normal(size=(60, 3)) / 5
    found = SVMClassifier(1.0, 0.5, 0).fit(matrix, np.repeat([0, 1, 2], 20)).predict_proba(matrix)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == np.repeat([0, 1, 2], 20)).mean() > 0.95
