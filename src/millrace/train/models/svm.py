"""Support vector machines, linear and with a radial kernel; of classes each against the rest, as probabilities."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread

#: A kernel machine's time grows with the square of its rows, and its support vectors are in the package.
KERNEL_ROWS, LINEAR_ROWS = 4000, 50_000
_PARTS = 3


class SupportVectors:
    """Scores of support vector machines: ``weights · k(x, vectors) + intercept``, or linear where `gamma` is None.

    Attributes
    ----------
    vectors_
        float64 ``[vectors, columns]``; of a linear machine None.
    weights_, intercept_
        float64 ``[vectors or columns, scores]`` and ``[scores]``.
    slope_, offset_
        float64 ``[scores]``: a score s becomes the probability 1 / (1 + exp(-(slope s + offset))) (Platt, 1999).
    """

    def __init__(self, gamma: float | None) -> None:
        self.gamma = gamma
        self.vectors_: np.ndarray | None = None
        self.weights_: np.ndarray
        self.intercept_: np.ndarray

    def _take(self, machines: list[Any], matrix: np.ndarray) -> None:
        """Lay fitted machines of one score each side by side."""
        self.intercept_ = np.array([float(np.ravel(one.intercept_)[0]) for one in machines])
        if self.gamma is None:
            self.weights_ = np.column_stack([np.ravel(one.coef_) for one in machines]).astype(np.float64)
            return
        used = np.unique(np.concatenate([one.support_ for one in machines]))
        self.vectors_ = matrix[used]
        self.weights_ = np.zeros((len(used), len(machines)))
        for column, one in enumerate(machines):
            self.weights_[np.searchsorted(used, one.support_), column] = one.dual_coef_[0]

    def decision_function(self, matrix: np.ndarray) -> np.ndarray:
        """The scores, float64 ``[rows, scores]``."""
        matrix = matrix.astype(np.float64)
        if self.gamma is None or self.vectors_ is None:
            return np.asarray(matrix @ self.weights_ + self.intercept_)
        squared = (matrix**2).sum(axis=1)[:, None] + (self.vectors_**2).sum(axis=1) - 2 * (matrix @ self.vectors_.T)
        return np.asarray(np.exp(-self.gamma * np.maximum(squared, 0.0)) @ self.weights_ + self.intercept_)


class SVMClassifier(SupportVectors):
    """One machine for each class against the rest (one for two classes), each with its own sigmoid."""

    def __init__(self, cost: float, gamma: float | None, seed: int) -> None:
        super().__init__(gamma)
        self.cost, self.seed = cost, seed
        self.classes_: np.ndarray
        self.slope_: np.ndarray
        self.offset_: np.ndarray

    def fit(self, matrix: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Learn from float64 ``[rows, columns]``, and what each row weighs."""
        self.classes_ = np.unique(truth)
        shown = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        machines, sigmoids = [], []
        for one in shown:
            goal = (truth == one).astype(np.int64)
            machines.append(self._machine().fit(matrix, goal, weights))
            sigmoids.append(self._sigmoid(matrix, goal, weights))
        self._take(machines, matrix)
        self.slope_, self.offset_ = (np.array(values) for values in zip(*sigmoids, strict=True))
        return self

    def predict_proba(self, matrix: np.ndarray) -> np.ndarray:
        """Probabilities, float64 ``[rows, classes]``; those of several classes are divided by their sum."""
        bent = np.clip(self.decision_function(matrix) * self.slope_ + self.offset_, -500, 500)
        shares = 1 / (1 + np.exp(-bent))
        if len(self.classes_) == 2:
            return np.column_stack([1 - shares[:, 0], shares[:, 0]])
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _machine(self) -> Any:
        from sklearn.svm import SVC, LinearSVC

        if self.gamma is None:
            return LinearSVC(C=self.cost, dual=False, random_state=self.seed)
        return SVC(C=self.cost, gamma=self.gamma)

    def _sigmoid(self, matrix: np.ndarray, goal: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
        """Slope and offset, learned from the scores of rows that a machine did not learn from."""
        from sklearn.linear_model import LogisticRegression

        # Dealt within each class, so every part has both.
        order = np.argsort(goal, kind="stable")
        part = np.empty(len(goal), np.int64)
        part[order] = np.arange(len(goal)) % _PARTS
        scores = np.zeros(len(goal))
        for held in range(_PARTS):
            learn = part != held
            if len(np.unique(goal[learn])) < 2:
                return 1.0, 0.0
            told = None if weights is None else weights[learn]
            scores[~learn] = self._machine().fit(matrix[learn], goal[learn], told).decision_function(matrix[~learn])
        line = LogisticRegression(C=100.0).fit(scores[:, None], goal, weights)
        return float(line.coef_[0, 0]), float(line.intercept_[0])


class SVMRegressor(SupportVectors):
    """A machine that bears errors of a tenth of the target's standard deviation."""

    def __init__(self, cost: float, gamma: float | None, seed: int) -> None:
        super().__init__(gamma)
        self.cost, self.seed = cost, seed

    def fit(self, matrix: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> Self:
        """Learn from float64 ``[rows, columns]``; the target is standardised while it is learned."""
        from sklearn.svm import SVR, LinearSVR

        center, size = float(truth.mean()), float(truth.std()) or 1.0
        if self.gamma is None:
            machine = LinearSVR(
                C=self.cost, epsilon=0.1, loss="squared_epsilon_insensitive", dual=False, random_state=self.seed
            )
        else:
            machine = SVR(C=self.cost, gamma=self.gamma, epsilon=0.1)
        self._take([machine.fit(matrix, (truth - center) / size, weights)], matrix)
        self.weights_, self.intercept_ = self.weights_ * size, self.intercept_ * size + center
        return self

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Values, float64 ``[rows]``."""
        return self.decision_function(matrix)[:, 0]


def learner(problem: Problem, settings: Settings) -> Learn:
    """A machine of the kernel, the cost and the width that `settings` say."""
    radial = settings.get("kernel", "rbf") == "rbf"
    cost = float(settings.get("C", 1.0 if radial else 0.1))

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001
        chosen = spread(lesson.truth, problem.classes, KERNEL_ROWS if radial else LINEAR_ROWS)
        matrix, truth, weights = lesson.part(chosen)
        matrix = matrix.astype(np.float64)
        usual = 1 / (matrix.shape[1] * (float(matrix.var()) or 1.0))
        gamma = float(settings.get("gamma", usual)) if radial else None
        make = SVMClassifier if problem.classes else SVMRegressor
        return make(cost, gamma, problem.seed).fit(matrix, truth, weights), 0

    return learn


FAMILY = Family("SVM", recipes.for_linear, learner, {"radial": {"kernel": "rbf"}, "linear": {"kernel": "linear"}})
