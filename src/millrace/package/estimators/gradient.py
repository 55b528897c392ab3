"""Scikit-learn's gradient boosting, plain and by histograms, from the trees it grew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from millrace.package.estimators import forest, trees
from millrace.package.estimators.base import family, refuse
from millrace.package.estimators.trees import Leaf, Split
from millrace.package.matrix import Matrix

_PLAIN = {"sklearn.GradientBoostingClassifier", "sklearn.GradientBoostingRegressor"}
_HISTOGRAM = {"sklearn.HistGradientBoostingClassifier", "sklearn.HistGradientBoostingRegressor"}
#: How scores become answers, by loss; a classifier of more than two classes takes the softmax.
_LINKS = {
    "log_loss": "Sigmoid",
    "squared_error": None,
    "absolute_error": None,
    "huber": None,
    "quantile": None,
    "poisson": "Exp",
    "gamma": "Exp",
}


class GradientWriter:
    """`GradientBoosting*` and `HistGradientBoosting*`; columns of categories inside the latter are refused."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of the four."""
        return family(estimator) in _PLAIN | _HISTOGRAM

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """What boosting starts from plus the sum of all trees, then the loss's link."""
        if estimator.loss not in _LINKS:
            raise refuse(estimator, f"its loss is {estimator.loss!r}")
        nodes, targets = matrix.nodes, classes if classes > 2 else 1
        plain = family(estimator) in _PLAIN
        start = _start(estimator, matrix.width) if plain else _baseline(estimator)
        roots = list(_plain(estimator) if plain else _histogram(estimator))
        total = trees.write(matrix, roots, targets, lambda node: node.read()) if roots else None
        constant = nodes.constant(start)
        scores = nodes.add("Add", total, constant) if total else nodes.add("Mul", constant, _ones(matrix))
        link = "Softmax" if targets > 1 else _LINKS[estimator.loss]
        if link is None:
            return scores
        return nodes.add(link, scores, axis=-1) if link == "Softmax" else nodes.add(link, scores)


def _ones(matrix: Matrix) -> str:
    nodes = matrix.nodes
    shape = nodes.add("Concat", matrix.rows, nodes.constant(np.array([1], np.int64)), axis=0)
    return nodes.add("Expand", nodes.constant(np.array([[1.0]])), shape)


def _start(estimator: Any, width: int) -> np.ndarray:
    """What plain boosting starts from, float64 ``[1, scores]``."""
    if estimator.init is not None and estimator.init != "zero":
        raise refuse(estimator, "it starts from a model of its own")
    return np.asarray(estimator._raw_predict_init(np.zeros((1, width), np.float32)), np.float64)  # noqa: SLF001


def _plain(estimator: Any) -> Iterator[tuple[int, Any]]:
    for stage in estimator.estimators_:
        for target, tree in enumerate(stage):
            yield target, forest.single(tree.tree_, 0, estimator.learning_rate)


def _baseline(estimator: Any) -> np.ndarray:
    """What boosting by histograms starts from, float64 ``[1, scores]``."""
    if getattr(estimator, "is_categorical_", None) is not None:
        raise refuse(estimator, "it takes categories by itself; encode them in a step before")
    return np.asarray(estimator._baseline_prediction, np.float64).reshape(1, -1)  # noqa: SLF001


def _histogram(estimator: Any) -> Iterator[tuple[int, Any]]:
    for stage in estimator._predictors:  # noqa: SLF001
        for target, tree in enumerate(stage):
            yield target, _Node(tree.nodes, 0)


class _Node:
    """A place in a tree of a histogram booster, whose nodes are a structured array."""

    __slots__ = ("nodes", "place")

    def __init__(self, nodes: np.ndarray, place: int) -> None:
        self.nodes, self.place = nodes, place

    def read(self) -> Split | Leaf:
        """The leaf or split that the graph gets here."""
        node = self.nodes[self.place]
        if node["is_leaf"]:
            return Leaf(float(node["value"]))
        left, right = _Node(self.nodes, int(node["left"])), _Node(self.nodes, int(node["right"]))
        threshold = float(node["num_threshold"])
        return Split(int(node["feature_idx"]), threshold, bool(node["missing_go_to_left"]), left, right)
