"""Our support vector machines: kernels with the support vectors, scores, and the sigmoids that make probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.estimators.base import family
from millrace.package.estimators.distance import squared
from millrace.package.estimators.probability import clipped, shared
from millrace.package.matrix import Matrix


class SVMWriter:
    """`SVMClassifier` and `SVMRegressor` of `train.models.svm`, linear or radial."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of the two."""
        return family(estimator) in {"millrace.SVMClassifier", "millrace.SVMRegressor"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """Scores; of classes the sigmoid of each, divided by their sum where there are several."""
        nodes = matrix.nodes
        rows = nodes.add("Cast", matrix.ordered, to=TensorProto.DOUBLE)
        if estimator.vectors_ is not None:
            far = squared(nodes, rows, estimator.vectors_)
            rows = nodes.add("Exp", nodes.add("Mul", far, nodes.constant(np.array(-estimator.gamma))))
        scores = nodes.add("Gemm", rows, nodes.constant(estimator.weights_), nodes.constant(estimator.intercept_))
        if not classes:
            return scores
        bent = nodes.add("Mul", scores, nodes.constant(estimator.slope_))
        bent = clipped(nodes, nodes.add("Add", bent, nodes.constant(estimator.offset_)))
        shares = nodes.add("Sigmoid", bent)
        return shares if classes == 2 else shared(nodes, shares)
