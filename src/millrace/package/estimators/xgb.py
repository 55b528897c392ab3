"""XGBoost's trees, from the arrays that the booster states.

XGBoost sends a row left where a value is *below* a float32 threshold, the graph where it is at most: the threshold of
the graph is the float32 next below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from millrace.package.estimators import trees
from millrace.package.estimators.base import family, refuse
from millrace.package.estimators.trees import Leaf, Split
from millrace.package.matrix import Matrix

_LINKS = {
    "binary:logistic": "Sigmoid",
    "multi:softprob": "Softmax",
    "reg:squarederror": None,
    "reg:absoluteerror": None,
}


class XGBoostWriter:
    """Boosters of numbers with missing values, wrapped as `XGBoosted`."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is of that class."""
        return family(estimator) == "millrace.XGBoosted"

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The sum of all trees and the starting score, then the objective's link."""
        model = _model(estimator)
        objective, targets = model["objective"]["name"], classes if classes > 2 else 1
        if objective not in _LINKS:
            raise refuse(estimator, f"its objective is {objective!r}")
        grown = model["gradient_booster"]["model"]
        roots = [(target, _Node(tree, 0)) for target, tree in zip(grown["tree_info"], grown["trees"], strict=True)]
        scores = trees.write(matrix, roots, targets, _Node.read)
        start = _start(model)
        if objective == "binary:logistic":
            start = np.log(start / (1 - start))
        nodes, link = matrix.nodes, _LINKS[objective]
        scores = nodes.add("Add", scores, nodes.constant(start))
        if link is None:
            return scores
        return nodes.add(link, scores, axis=-1) if link == "Softmax" else nodes.add(link, scores)


def split_points(estimator: Any) -> dict[int, list[float]]:
    """The thresholds of all splits by feature, ascending."""
    found: dict[int, set[float]] = {}
    for tree in _model(estimator)["gradient_booster"]["model"]["trees"]:
        for feature, threshold, left in _splits(tree):
            if left >= 0:
                found.setdefault(feature, set()).add(threshold)
    return {feature: sorted(thresholds) for feature, thresholds in found.items()}


def _splits(tree: Mapping[str, Any]) -> Iterator[tuple[int, float, int]]:
    return zip(tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True)


def _model(estimator: Any) -> Any:
    return json.loads(estimator.booster_.save_raw("json"))["learner"]


def _start(model: Mapping[str, Any]) -> np.ndarray:
    """The score before any tree: one number, or in newer versions one for each target."""
    return np.atleast_1d(np.asarray(json.loads(model["learner_model_param"]["base_score"]), np.float64))


class _Node:
    """A place in a tree."""

    __slots__ = ("place", "tree")

    def __init__(self, tree: Mapping[str, Any], place: int) -> None:
        self.tree, self.place = tree, place

    def read(self) -> Split | Leaf:
        """The leaf or split that the graph gets here."""
        tree, place = self.tree, self.place
        value, left = tree["split_conditions"][place], tree["left_children"][place]
        if left < 0:
            return Leaf(value)
        below = float(np.nextafter(np.float32(value), np.float32(-np.inf)))
        children = _Node(tree, left), _Node(tree, tree["right_children"][place])
        return Split(tree["split_indices"][place], below, bool(tree["default_left"][place]), *children)
