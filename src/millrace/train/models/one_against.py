"""Several classes told apart two at a time: each against the rest, or every pair; one linear score each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import combinations
from typing import Any, Self

import numpy as np

#: Gives a fitted estimator of two classes, with `coef_` and `intercept_`, from a matrix, 0/1 goals and weights.
Two = Callable[[Any, np.ndarray, "np.ndarray | None"], Any]
_Question = tuple[Any, np.ndarray, "np.ndarray | None"]


class _Scores(ABC):
    """One linear score for each question; `coef_` float64 ``[questions, columns]``, `intercept_` ``[questions]``."""

    def __init__(self, two: Two) -> None:
        self._two = two
        self.classes_: np.ndarray
        self.coef_: np.ndarray
        self.intercept_: np.ndarray

    @abstractmethod
    def fit(self, matrix: Any, truth: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Learn from ``[rows, columns]``, class indices, and what each row weighs."""

    def _fit(self, questions: list[_Question]) -> Self:
        found = [self._two(matrix, goal.astype(np.int64), weights) for matrix, goal, weights in questions]
        self.coef_ = np.vstack([one.coef_ for one in found])
        self.intercept_ = np.concatenate([one.intercept_ for one in found])
        return self

    def decision_function(self, matrix: Any) -> np.ndarray:
        """The scores, float64 ``[rows, questions]``."""
        scores: np.ndarray = matrix @ self.coef_.T + self.intercept_
        return scores.astype(np.float64)


class OneVsRestLogistic(_Scores):
    """Each class against all others; their probabilities are divided by their sum.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = OneVsRestLogistic(lambda *rows: LogisticRegression().fit(*rows))
    >>> model.fit(np.repeat(np.eye(3), 5, axis=0), np.repeat([0, 1, 2], 5)).predict_proba(np.eye(3)).argmax(axis=1)
    array([0, 1, 2])
    """

    def fit(self, matrix: Any, truth: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Learn one question for each class: a middle one has no linear answer."""
        self.classes_ = np.unique(truth)
        return self._fit([(matrix, truth == one, weights) for one in self.classes_])

    def predict_proba(self, matrix: Any) -> np.ndarray:
        """Probabilities, float64 ``[rows, classes]``."""
        scores = self.decision_function(matrix)
        shares = 1 / (1 + np.exp(-np.clip(scores, -500, 500)))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


class OneVsOneLogistic(_Scores):
    """Every pair of classes; a class is as likely as all its pairs say together.

    The pairs' answers are coupled as Price et al. (Pairwise neural network classifiers, 1994) do: one by the sum over
    the other classes of 1 / P(class against other), less the number of others but one.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> matrix = np.array([[0.0], [1.0], [2.0]] * 5)
    >>> model = OneVsOneLogistic(lambda *rows: LogisticRegression().fit(*rows)).fit(matrix, np.array([0, 1, 2] * 5))
    >>> model.predict_proba(matrix[:3]).argmax(axis=1).tolist()
    [0, 1, 2]
    """

    def fit(self, matrix: Any, truth: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Learn one question for each pair, from the rows of its two classes: whether it is the second."""
        self.classes_ = np.unique(truth)
        questions = []
        for low, high in combinations(self.classes_, 2):
            rows = np.flatnonzero((truth == low) | (truth == high))
            questions.append((matrix[rows], truth[rows] == high, None if weights is None else weights[rows]))
        return self._fit(questions)

    def predict_proba(self, matrix: Any) -> np.ndarray:
        """Probabilities, float64 ``[rows, classes]``."""
        # 1 / P is 1 + exp(-score), so the sum less the others but one is 1 plus the exponentials.
        against = np.exp(np.clip(self.decision_function(matrix), -500, 500))
        doubt = np.ones((against.shape[0], len(self.classes_)))
        for place, (low, high) in enumerate(combinations(range(len(self.classes_)), 2)):
            doubt[:, low] += against[:, place]
            doubt[:, high] += 1 / against[:, place]
        shares = 1 / doubt
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
