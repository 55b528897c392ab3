"""Scikit-learn's dummies: the same answer for every row."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.package.estimators.base import family, refuse
from millrace.package.matrix import Matrix

_CONSTANT_PROBABILITIES = {"prior", "most_frequent"}


class ConstantWriter:
    """`DummyClassifier` (prior, most_frequent) and `DummyRegressor`."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of scikit-learn's dummies."""
        return family(estimator) in {"sklearn.DummyClassifier", "sklearn.DummyRegressor"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The constant, once for each row."""
        if not classes:
            answer = np.asarray(estimator.constant_, np.float64).reshape(1, 1)
        elif estimator.strategy in _CONSTANT_PROBABILITIES:
            answer = np.asarray(estimator.predict_proba([[0.0]]), np.float64)
        else:
            raise refuse(estimator, f"its strategy is {estimator.strategy!r}, which answers at random")
        answer = answer[:, 1:] if classes == 2 else answer
        shape = matrix.nodes.add("Concat", matrix.rows, matrix.nodes.constant(np.array([1], np.int64)), axis=0)
        return matrix.nodes.add("Expand", matrix.nodes.constant(answer), shape)
