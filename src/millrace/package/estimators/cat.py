"""CatBoost's symmetric trees, from the model that it writes as JSON.

A tree asks the same question in every node of a level: the answers are the bits of its leaf's number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from millrace.package.estimators import trees
from millrace.package.estimators.base import family, refuse
from millrace.package.estimators.trees import Leaf, Split
from millrace.package.matrix import Matrix


class CatBoostWriter:
    """`CatBoostClassifier` and `CatBoostRegressor` of numbers with missing values."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of the two."""
        return family(estimator) in {"catboost.CatBoostClassifier", "catboost.CatBoostRegressor"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The sum of all trees and the starting score, then the sigmoid or the softmax."""
        model = _model(estimator)
        features = model["features_info"]["float_features"]
        if "oblivious_trees" not in model or model["features_info"].get("categorical_features"):
            raise refuse(estimator, "its trees are not symmetric, or split on categories")
        targets, nodes = classes if classes > 2 else 1, matrix.nodes
        roots = [
            (target, _Node(tree, features, target, targets, 0, 0))
            for tree in model["oblivious_trees"]
            for target in range(targets)
        ]
        scale, start = model["scale_and_bias"]
        scores = trees.write(matrix, roots, targets, _Node.read)
        scores = nodes.add("Mul", scores, nodes.constant(np.array(float(scale))))
        scores = nodes.add("Add", scores, nodes.constant(np.asarray(start, np.float64)))
        if classes > 2:
            return nodes.add("Softmax", scores, axis=-1)
        return nodes.add("Sigmoid", scores) if classes else scores


def split_points(estimator: Any) -> dict[int, list[float]]:
    """The borders of all features, ascending."""
    features = _model(estimator)["features_info"]["float_features"]
    return {one["flat_feature_index"]: sorted(one["borders"]) for one in features if one["borders"]}


def _model(estimator: Any) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        return json.loads(path.read_text())


class _Node:
    """A place in a tree: how many questions were asked, and which leaf the answers lead to so far."""

    __slots__ = ("asked", "features", "leaf", "target", "targets", "tree")

    def __init__(
        self, tree: Mapping[str, Any], features: Any, target: int, targets: int, asked: int, leaf: int
    ) -> None:
        self.tree, self.features, self.target, self.targets = tree, features, target, targets
        self.asked, self.leaf = asked, leaf

    def read(self) -> Split | Leaf:
        """The leaf or split that the graph gets here."""
        questions = self.tree.get("splits") or []
        if self.asked == len(questions):
            return Leaf(float(self.tree["leaf_values"][self.leaf * self.targets + self.target]))
        question = questions[self.asked]
        feature = self.features[question["float_feature_index"]]
        missing_left = feature["nan_value_treatment"] != "AsTrue"
        below, above = (
            _Node(self.tree, self.features, self.target, self.targets, self.asked + 1, leaf)
            for leaf in (self.leaf, self.leaf | 1 << self.asked)
        )
        return Split(feature["flat_feature_index"], float(question["border"]), missing_left, below, above)
