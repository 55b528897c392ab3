"""Squared distances of rows to points that are in the graph."""

from __future__ import annotations

import numpy as np

from millrace.package.nodes import Nodes


def squared(nodes: Nodes, rows: str, points: np.ndarray) -> str:
    """Squared Euclidean distances float64 ``[rows, points]``; `points` is float64 ``[points, columns]``."""
    return apart(nodes, rows, points)[0]


def apart(nodes: Nodes, rows: str, points: np.ndarray, least: float = 0.0) -> tuple[str, str]:
    """Squared distances, and the sums of both rows' squared lengths and `least`: what rounding errors are a share of.

    Both float64 ``[rows, points]``.
    """
    own = nodes.add("ReduceSumSquare", rows, nodes.constant(np.array([1], np.int64)), keepdims=1)
    lengths = nodes.add("Add", own, nodes.constant((points**2).sum(axis=1) + least))
    product = nodes.add("MatMul", rows, nodes.constant(-2.0 * points.T))
    return nodes.add("Max", nodes.add("Add", lengths, product), nodes.constant(np.array(0.0))), lengths
