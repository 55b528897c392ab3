"""Scikit-learn's decision trees, random forests and extra trees, from the arrays their trees are made of.

A leaf of theirs holds a share for every class, a leaf of the graph one number. So each tree is written once per class,
and a branch in which that class has the same share everywhere becomes one leaf: most of a copy disappears.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from millrace.package.estimators import trees
from millrace.package.estimators.base import family
from millrace.package.estimators.trees import Leaf, Split
from millrace.package.matrix import Matrix

_KINDS = (
    "RandomForestClassifier",
    "RandomForestRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
)


class ForestWriter:
    """The four forests of scikit-learn, and single trees, with missing values."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the estimator is one of scikit-learn's forests, or a tree of one."""
        return family(estimator) in {f"sklearn.{kind}" for kind in _KINDS}

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The sum of the trees' leaves, divided by their number as scikit-learn does."""
        targets = classes if classes > 2 else 1
        first = 1 if classes == 2 else 0
        grown = _grown(estimator)
        roots = [root for tree in grown for root in _roots(tree, first, targets)]
        total = trees.write(matrix, roots, targets, _Node.read)
        return matrix.nodes.add("Div", total, matrix.nodes.constant(np.array(float(len(grown)))))


def split_points(estimator: Any) -> dict[int, list[float]]:
    """The thresholds of all splits by feature, ascending."""
    found: dict[int, set[float]] = {}
    for tree in _grown(estimator):
        inner = tree.children_left >= 0
        for feature, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            found.setdefault(int(feature), set()).add(float(threshold))
    return {feature: sorted(thresholds) for feature, thresholds in found.items()}


def single(tree: Any, column: int, factor: float) -> Any:
    """The root of one of scikit-learn's trees, its leaves multiplied by `factor`; `read` gives splits and leaves."""
    return _Node(_Tree(tree, column, factor), 0)


def _grown(estimator: Any) -> list[Any]:
    return [tree.tree_ for tree in getattr(estimator, "estimators_", [estimator])]


class _Tree:
    """One tree as seen by one class: plain lists, because reading single numbers of an array is slow."""

    def __init__(self, tree: Any, column: int, factor: float = 1.0) -> None:
        self.values = (tree.value[:, 0, column] * factor).tolist()
        self.left, self.right = tree.children_left.tolist(), tree.children_right.tolist()
        self.features, self.thresholds = tree.feature.tolist(), tree.threshold.tolist()
        self.missing_left = np.asarray(tree.missing_go_to_left, dtype=bool).tolist()
        self.shared = self._shared()

    def _shared(self) -> list[float | None]:
        """By node the value that all leaves under it have, None where they differ."""
        found: list[float | None] = list(self.values)
        for node in range(len(found) - 1, -1, -1):  # children come after their parent
            if self.left[node] >= 0:
                low, high = found[self.left[node]], found[self.right[node]]
                found[node] = low if low == high else None
        return found


class _Node:
    """A place in a tree."""

    __slots__ = ("place", "tree")

    def __init__(self, tree: _Tree, place: int) -> None:
        self.tree, self.place = tree, place

    def read(self) -> Split | Leaf:
        """The leaf or split that the graph gets here."""
        tree, place = self.tree, self.place
        value = tree.shared[place]
        if value is not None:
            return Leaf(value)
        left, right = _Node(tree, tree.left[place]), _Node(tree, tree.right[place])
        return Split(tree.features[place], tree.thresholds[place], tree.missing_left[place], left, right)


def _roots(tree: Any, first: int, targets: int) -> Iterator[tuple[int, _Node]]:
    return ((target, _Node(_Tree(tree, first + target), 0)) for target in range(targets))
