"""Scikit-learn's multilayer perceptrons: dense layers, in float64 as they were learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.estimators.base import family, refuse
from millrace.package.matrix import Matrix

_INNER = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": "Identity"}


class MLPWriter:
    """`MLPClassifier` and `MLPRegressor`."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of the two."""
        return family(estimator) in {"sklearn.MLPClassifier", "sklearn.MLPRegressor"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """Layer after layer; then nothing, the sigmoid or the softmax."""
        nodes = matrix.nodes
        value = nodes.add("Cast", matrix.ordered, to=TensorProto.DOUBLE)
        layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
        if layers[-1][0].shape[1] != (classes if classes > 2 else 1):
            raise refuse(estimator, f"it gives {layers[-1][0].shape[1]} outputs for {classes} classes")
        for place, (weights, start) in enumerate(layers, start=1):
            exact = [nodes.constant(np.asarray(array, np.float64)) for array in (weights, start)]
            value = nodes.add("Gemm", value, *exact)
            if place < len(layers):
                value = nodes.add(_INNER[estimator.activation], value)
        if classes > 2:
            return nodes.add("Softmax", value, axis=-1)
        return nodes.add("Sigmoid", value) if classes else value
