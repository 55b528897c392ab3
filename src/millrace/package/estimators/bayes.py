"""Scikit-learn's naive Bayes of numbers and of flags; that of counts is a linear model."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.estimators.base import family
from millrace.package.estimators.probability import softmax
from millrace.package.matrix import Matrix


class BayesWriter:
    """`GaussianNB` as a quadratic form, `BernoulliNB` as a linear one of columns that were made 0 or 1."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of the two."""
        return family(estimator) in {"sklearn.GaussianNB", "sklearn.BernoulliNB"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """Log probabilities up to a constant, then the softmax."""
        nodes = matrix.nodes
        exact = nodes.add("Cast", matrix.ordered, to=TensorProto.DOUBLE)
        if family(estimator) == "sklearn.BernoulliNB":
            absent = np.log1p(-np.exp(estimator.feature_log_prob_))
            weights, start = estimator.feature_log_prob_ - absent, absent.sum(axis=1) + estimator.class_log_prior_
            cut = nodes.constant(np.array(float(estimator.binarize)))
            flags = nodes.add("Cast", nodes.add("Greater", exact, cut), to=TensorProto.DOUBLE)
            return softmax(nodes, nodes.add("Gemm", flags, nodes.constant(weights.T), nodes.constant(start)), classes)
        scores = [_gaussian(matrix, exact, estimator, place) for place in range(len(estimator.classes_))]
        return softmax(nodes, nodes.add("Concat", *scores, axis=1), classes)


def _gaussian(matrix: Matrix, exact: str, estimator: Any, place: int) -> str:
    """One class's log density: the columns' distances from its mean first, so that nothing large cancels."""
    nodes, means, variances = matrix.nodes, estimator.theta_[place], estimator.var_[place]
    away = nodes.add("Sub", exact, nodes.constant(means))
    start = float(np.log(estimator.class_prior_[place]) - 0.5 * np.sum(np.log(2 * np.pi * variances)))
    weights = nodes.constant(-0.5 / variances[:, None])
    return nodes.add("Gemm", nodes.add("Mul", away, away), weights, nodes.constant(np.array([start])))
