"""Nearest neighbours: the mean of what is true of the training rows that are as near as the k-th nearest."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread

#: Every training row is in the package, and every request measures its distance to all of them.
MAX_ROWS = 10_000
_CHUNK = 2000
#: Squared distances that differ by less than this share are the same: rounding must not choose between neighbours.
SAME = 1e-9
#: They are the difference of larger numbers, the squared lengths of both rows, and exact to far less than this share
#: of these; what is below it is no distance.
EXACT = 1e-12
#: This share of the lengths is added to squared distances before they are weights, so that a training row itself weighs
#: much and not everything, whatever the unit of the columns is.
SOFT = 1e-6
#: Added to the lengths, because a row may be all zeros.
LEAST = 1e-100


class Neighbors:
    """k nearest neighbours (Fix & Hodges, 1951), with all that are equally far as the k-th.

    Ties are the rule where columns are whole numbers or categories; taking all of them makes the answer independent of
    the order of rows and of rounding.

    Parameters
    ----------
    weighted
        Whether a neighbour counts by the inverse of its squared distance, rather than all alike.

    Examples
    --------
    >>> model = Neighbors(1, weighted=False).fit(np.array([[0.0], [2.0], [5.0]]), np.array([[10.0], [20.0], [90.0]]))
    >>> model.predict(np.array([[1.0], [4.0]])).tolist()
    [15.0, 90.0]
    """

    def __init__(self, count: int, *, weighted: bool, classes: np.ndarray | None = None) -> None:
        self.count, self.weighted = count, weighted
        self.center_: np.ndarray
        self.points_: np.ndarray
        self.goals_: np.ndarray
        if classes is not None:
            self.classes_ = classes

    def fit(self, matrix: np.ndarray, goals: np.ndarray) -> Self:
        """Keep the rows, centred: `matrix` ``[rows, columns]`` and `goals` ``[rows, outputs]``, both as float64."""
        self.center_ = matrix.mean(axis=0, dtype=np.float64)
        self.points_, self.goals_ = matrix.astype(np.float64) - self.center_, goals.astype(np.float64)
        self.count = min(self.count, len(self.points_))
        return self

    def means(self, matrix: np.ndarray) -> np.ndarray:
        """The neighbours' mean goals, float64 ``[rows, outputs]``."""
        chunks = range(0, max(1, len(matrix)), _CHUNK)
        return np.vstack([self._means(matrix[start : start + _CHUNK].astype(np.float64)) for start in chunks])

    def _means(self, matrix: np.ndarray) -> np.ndarray:
        centred = matrix - self.center_
        lengths = (centred**2).sum(axis=1)[:, None] + ((self.points_**2).sum(axis=1) + LEAST)
        squared = np.maximum(lengths - 2 * (centred @ self.points_.T), 0.0)
        farthest = np.partition(squared, self.count - 1, axis=1)[:, self.count - 1 : self.count]
        near = (squared <= farthest * (1 + SAME) + EXACT * lengths).astype(np.float64)
        weights = near / (squared + SOFT * lengths) if self.weighted else near
        found: np.ndarray = (weights @ self.goals_) / weights.sum(axis=1, keepdims=True)
        return found

    def predict_proba(self, matrix: np.ndarray) -> np.ndarray:
        """The neighbours' shares of the classes; rounding makes none more than everything."""
        shares: np.ndarray = np.minimum(self.means(matrix), 1.0)
        return shares

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """The neighbours' mean value, float64 ``[rows]``."""
        return self.means(matrix)[:, 0]


def learner(problem: Problem, settings: Settings) -> Learn:
    """Keep the rows that fit into a package."""
    count, weighted = settings.get("n_neighbors", 15), settings.get("weights", "uniform") == "distance"

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001
        told = _as_often_as_they_weigh(lesson, problem)
        chosen = told[spread(lesson.truth[told], problem.classes, MAX_ROWS)]
        matrix, truth = lesson.matrix[chosen], lesson.truth[chosen]
        if not problem.classes:
            return Neighbors(count, weighted=weighted).fit(matrix, truth[:, None]), 0
        known, places = np.unique(truth, return_inverse=True)
        return Neighbors(count, weighted=weighted, classes=known).fit(matrix, np.eye(len(known))[places]), 0

    return learn


def _as_often_as_they_weigh(lesson: Lesson, problem: Problem) -> np.ndarray:
    """Row numbers: a neighbour is there or not, so a row is kept with the chance that its weight says.

    The heaviest row of each class stays in any case.
    """
    rows = np.arange(len(lesson.truth))
    if lesson.weights is None:
        return rows
    drawn = np.random.default_rng(problem.seed).random(len(rows)) * lesson.weights.max() < lesson.weights
    known = np.unique(lesson.truth) if problem.classes else ()
    kept = [rows[lesson.truth == one] for one in known] or [rows]
    heaviest = [own[np.argmax(lesson.weights[own])] for own in kept]
    return np.union1d(rows[drawn], heaviest)


FAMILY = Family("neighbours", recipes.for_linear, learner, {"nearest 15": {"n_neighbors": 15}})
