"""Scikit-learn's linear models: one matrix product, plus table look-ups for categories.

Multinomial naive Bayes is one of them: its scores are the log probabilities of the words, weighted, plus the prior's.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.encoders.lookups import contributions
from millrace.package.estimators.base import family, refuse
from millrace.package.estimators.probability import clipped, shared
from millrace.package.matrix import Matrix
from millrace.package.nodes import Nodes

_CLASSIFIERS = {"LogisticRegression", "LogisticRegressionCV"}
_REGRESSORS = {
    "ElasticNet",
    "ElasticNetCV",
    "HuberRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "Ridge",
    "RidgeCV",
}
_BAYES = "sklearn.MultinomialNB"
_REST, _PAIRS = "millrace.OneVsRestLogistic", "millrace.OneVsOneLogistic"
_KNOWN = {f"sklearn.{name}" for name in _CLASSIFIERS | _REGRESSORS} | {_BAYES, _REST, _PAIRS}


class LinearWriter:
    """Logistic and linear regressions. Scores are summed in float64: float32 loses digits where terms cancel."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is a linear model whose answer is a plain function of its scores."""
        return family(estimator) in _KNOWN

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """Scores, then the sigmoid of one, the softmax of several, or what couples questions about two classes each."""
        weights, intercept = _coefficients(estimator)
        pairs = family(estimator) == _PAIRS
        expected = classes * (classes - 1) // 2 if pairs else classes if classes > 2 else 1
        if weights.shape[1] != expected:
            raise refuse(estimator, f"it has {weights.shape[1]} rows of coefficients for {classes} classes")
        scores = _scores(matrix, weights, intercept)
        if pairs:
            return _coupled(matrix.nodes, scores, classes)
        if family(estimator) == _REST:
            return shared(matrix.nodes, matrix.nodes.add("Sigmoid", clipped(matrix.nodes, scores)))
        if not classes:
            return scores
        return matrix.nodes.add("Sigmoid", scores) if classes == 2 else matrix.nodes.add("Softmax", scores, axis=-1)


def _coupled(nodes: Nodes, scores: str, classes: int) -> str:
    """A class's share is one by 1 plus the exponentials of the scores that speak against it, divided by their sum."""
    against = np.zeros((classes * (classes - 1), classes))
    pairs = list(combinations(range(classes), 2))
    for place, (low, high) in enumerate(pairs):
        against[place, low] = against[len(pairs) + place, high] = 1.0
    inside = clipped(nodes, scores)
    doubts = nodes.add("Exp", nodes.add("Concat", inside, nodes.add("Neg", inside), axis=1))
    doubt = nodes.add("Gemm", doubts, nodes.constant(against), nodes.constant(np.ones(classes)))
    return shared(nodes, nodes.add("Reciprocal", doubt))


def _coefficients(estimator: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weights float64 ``[columns, scores]`` and intercept float64 ``[scores]``: one score for two classes."""
    if family(estimator) == _BAYES:
        weights, prior = estimator.feature_log_prob_.T, estimator.class_log_prior_
        return (weights[:, 1:] - weights[:, :1], prior[1:] - prior[:1]) if len(prior) == 2 else (weights, prior)
    weights = np.atleast_2d(np.asarray(estimator.coef_, np.float64)).T
    return weights, np.array(np.broadcast_to(np.asarray(estimator.intercept_, np.float64), weights.shape[1:]))


def _scores(matrix: Matrix, weights: np.ndarray, intercept: np.ndarray) -> str:
    nodes, terms = matrix.nodes, []
    if matrix.numeric:
        exact = nodes.add("Cast", matrix.numeric.value, to=TensorProto.DOUBLE)
        own = nodes.constant(weights[list(matrix.numeric.places)])
        terms.append(nodes.add("Gemm", exact, own, nodes.constant(intercept)))
    if matrix.lookups:
        shares = [weights[place : place + encoding.width] for place, encoding in matrix.lookups]
        looked_up = contributions(nodes, [encoding for _, encoding in matrix.lookups], shares, matrix.codes)
        terms.append(looked_up)
    if len(terms) == 2:
        return nodes.add("Add", *terms)
    return terms[0] if matrix.numeric else nodes.add("Add", terms[0], nodes.constant(intercept))
