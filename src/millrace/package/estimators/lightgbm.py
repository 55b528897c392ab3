"""LightGBM's classifiers and regressors, from the trees the booster itself states.

Every decision is taken as LightGBM's `Tree::NumericalDecision` and `Tree::CategoricalDecision` take it, but for one:
LightGBM cuts the decimals off a category, the graph knows none with decimals. Encoded categories have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from millrace.package.estimators import trees
from millrace.package.estimators.base import family, refuse
from millrace.package.estimators.trees import Leaf, Split
from millrace.package.matrix import Matrix

#: How scores become answers, by the first word of LightGBM's objective.
_LINKS = {
    "binary": "Sigmoid",
    "cross_entropy": "Sigmoid",
    "multiclass": "Softmax",
    "regression": None,
    "regression_l1": None,
    "huber": None,
    "fair": None,
    "quantile": None,
    "mape": None,
    "poisson": "Exp",
    "gamma": "Exp",
    "tweedie": "Exp",
}
#: LightGBM takes values this close to zero for zero.
_ZERO = 1.0000000180025095e-35
#: LightGBM writes infinite thresholds down as this.
_INFINITE = 1e300


class LightGBMWriter:
    """`LGBMClassifier` and `LGBMRegressor`, with missing values and categorical splits."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of LightGBM's scikit-learn classes."""
        return family(estimator) in {"lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor"}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The sum of all trees, then the objective's link."""
        model = estimator.booster_.dump_model()
        objective, *settings = model["objective"].split()
        if objective not in _LINKS or "sqrt" in settings:
            raise refuse(estimator, f"its objective is {model['objective']!r}")
        targets = model["num_tree_per_iteration"]
        if targets != (classes if classes > 2 else 1):
            raise refuse(estimator, f"it grows {targets} trees at a time for {classes} classes")
        if model["num_class"] > 1 and targets == 1:
            raise refuse(estimator, "it holds no trees for some classes")
        roots = [(i % targets, tree["tree_structure"]) for i, tree in enumerate(model["tree_info"])]
        scores = trees.write(matrix, roots, targets, lambda node: _read(node, estimator))
        return _linked(matrix, scores, objective, _scale(model, settings, len(roots) // targets))


def split_points(estimator: Any) -> dict[int, list[float]]:
    """The thresholds of all numerical splits by feature, ascending."""
    found: dict[int, set[float]] = {}
    todo = [tree["tree_structure"] for tree in estimator.booster_.dump_model()["tree_info"]]
    while todo:
        node = todo.pop()
        if "split_feature" in node:
            todo += [node["left_child"], node["right_child"]]
            if node["decision_type"] == "<=":
                found.setdefault(node["split_feature"], set()).add(float(node["threshold"]))
    return {feature: sorted(thresholds) for feature, thresholds in found.items()}


def _scale(model: Mapping[str, Any], settings: list[str], rounds: int) -> float:
    """What scores are multiplied with before the link."""
    slope = next((float(text.removeprefix("sigmoid:")) for text in settings if text.startswith("sigmoid:")), 1.0)
    return slope / rounds if model["average_output"] else slope


def _linked(matrix: Matrix, scores: str, objective: str, scale: float) -> str:
    if scale != 1:
        scores = matrix.nodes.add("Mul", scores, matrix.nodes.constant(np.array(scale)))
    link = _LINKS[objective]
    if link is None:
        return scores
    return matrix.nodes.add(link, scores, axis=-1) if link == "Softmax" else matrix.nodes.add(link, scores)


def _read(node: Mapping[str, Any], estimator: Any) -> Split | Leaf:
    if "split_feature" not in node:
        if "leaf_coeff" in node:
            raise refuse(estimator, "its leaves are linear models")
        return Leaf(node["leaf_value"])
    feature, left, right = node["split_feature"], node["left_child"], node["right_child"]
    if node["decision_type"] == "==":
        members = tuple(float(category) for category in str(node["threshold"]).split("||"))
        return Split(feature, 0.0, missing_left=False, left=left, right=right, members=members)
    threshold, missing = float(node["threshold"]), node["missing_type"]
    if missing == "Zero" and (node["default_left"] != (threshold > 0) or abs(threshold) < _ZERO):
        raise refuse(estimator, "it treats zero as missing")
    # Where the column had no missing values in training, LightGBM takes a missing value for zero.
    missing_left = bool(node["default_left"]) if missing == "NaN" else threshold >= 0
    if abs(threshold) >= _INFINITE:  # as it is written down: only what is missing lies beyond
        threshold = float(np.copysign(np.inf, threshold))
    if threshold == -_ZERO:  # a value of just this size counts as zero, which lies right of it
        threshold = float(np.nextafter(np.float32(threshold), np.float32(-1)))
    return Split(feature, threshold, missing_left=missing_left, left=left, right=right)
