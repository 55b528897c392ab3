"""Squared distances of rows to points that are in the graph."""

from __future__ import annotations

import numpy as np

from millrace.package.nodes import Nodes


def squared(nodes: Nodes, rows: str, points: np.ndarray) -> str:
    """Squared Euclidean distances float64 ``[rows, points]``; `points` is float64 ``[points, columns]``."""
    own = nodes.add("ReduceSumSquare", rows, nodes.constant(np.array([1], np.int64)), keepdims=1)
    theirs = nodes.constant((points**2).sum(axis=1))
    product = nodes.add("MatMul", rows, nodes.constant(-2.0 * points.T))
    return nodes.add("Max", nodes.add("Add", nodes.add("Add", own, theirs), product), nodes.constant(np.array(0.0)))
