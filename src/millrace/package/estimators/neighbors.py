"""Nearest neighbours: the training rows lie in the graph, and every row is measured against all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.encoders.base import columns
from millrace.package.estimators.base import family
from millrace.package.estimators.distance import apart
from millrace.package.estimators.probability import shared
from millrace.package.matrix import Matrix

#: As `train.models.neighbors` measures: distances this close are the same, and weights never grow without bound.
_SAME, _EXACT, _SOFT, _LEAST = 1e-9, 1e-12, 1e-6, 1e-100


class NeighborsWriter:
    """Our own `Neighbors`, which takes all rows that are as far as the k-th nearest."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is of that class."""
        return family(estimator) == "millrace.Neighbors"

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The mean of the neighbours' goals."""
        nodes = matrix.nodes
        exact = nodes.add("Cast", matrix.ordered, to=TensorProto.DOUBLE)
        rows = nodes.add("Sub", exact, nodes.constant(estimator.center_))
        far, lengths = apart(nodes, rows, estimator.points_, _LEAST)
        count = nodes.constant(np.array([estimator.count], np.int64))
        nearest, _ = nodes.add_many("TopK", far, count, outputs=2, axis=1, largest=0, sorted=1)
        last = columns(nodes, nearest, [estimator.count - 1], estimator.count)
        # ONNX Runtime leaves out a product with what is 1 in float32, so the little more is a sum.
        reach = nodes.add("Add", last, nodes.add("Mul", last, _number(matrix, _SAME)))
        reach = nodes.add("Add", reach, nodes.add("Mul", lengths, _number(matrix, _EXACT)))
        weights = nodes.add("Cast", nodes.add("LessOrEqual", far, reach), to=TensorProto.DOUBLE)
        if estimator.weighted:
            soft = nodes.add("Mul", lengths, _number(matrix, _SOFT))
            weights = nodes.add("Div", weights, nodes.add("Add", far, soft))
        means = nodes.add("MatMul", shared(nodes, weights), nodes.constant(estimator.goals_))
        return columns(nodes, means, [1], 2) if classes == 2 else means


def _number(matrix: Matrix, value: float) -> str:
    return matrix.nodes.constant(np.array(value))
