"""Decision trees of any library as one ONNX TreeEnsemble.

Thresholds, sums and leaves are float64 and the float32 features are cast to it, so a row takes the same branch as in
the library that grew the trees, however close to a threshold it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from millrace.package.matrix import Matrix

_LEQ, _MEMBER = 0, 6


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a row that ends here adds to the tree's target."""

    value: float


@dataclass(frozen=True, slots=True)
class Split:
    """Rows whose feature is at most `threshold`, or one of `members` where there are any, go to `left`.

    Where the feature is NaN, `missing_left` decides. `left` and `right` are whatever the grower's library has.
    """

    feature: int
    threshold: float
    missing_left: bool
    left: Any
    right: Any
    members: tuple[float, ...] = ()


@dataclass(slots=True)
class Ensemble:
    """The flat form that ONNX wants; features are columns of `Matrix.whole`."""

    places: dict[int, int]
    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    members: list[float] = field(default_factory=list)
    branches: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    ends: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    targets: list[int] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)

    def split(self, split: Split) -> int:
        """Write a split whose branches are still open; give its index."""
        self.features.append(self.places[split.feature])
        self.thresholds.append(split.threshold)
        self.modes.append(_MEMBER if split.members else _LEQ)
        self.missing.append(int(split.missing_left))
        # The lists of members lie end to end in the order of their splits, each closed by a NaN.
        self.members.extend((*split.members, np.nan) if split.members else ())
        for side in (0, 1):
            self.branches[side].append(0)
            self.ends[side].append(0)
        return len(self.features) - 1

    def leaf(self, leaf: Leaf, target: int) -> int:
        """Write a leaf; give its index."""
        self.targets.append(target)
        self.leaves.append(leaf.value)
        return len(self.leaves) - 1

    def grow(self, root: Split | Leaf, target: int, read: Any) -> None:
        """Write a tree; `read` turns what its library has into a `Split` or a `Leaf`."""
        if isinstance(root, Leaf):  # ONNX knows no tree without a split
            root = Split(next(iter(self.places)), 0.0, missing_left=True, left=root, right=root)
        self.roots.append(self.split(root))
        todo = [(self.roots[-1], 1, root.right), (self.roots[-1], 0, root.left)]
        while todo:
            parent, side, child = todo.pop()
            found = child if isinstance(child, Split | Leaf) else read(child)
            self.ends[side][parent] = int(isinstance(found, Leaf))
            if isinstance(found, Leaf):
                self.branches[side][parent] = self.leaf(found, target)
                continue
            index = self.branches[side][parent] = self.split(found)
            todo += [(index, 1, found.right), (index, 0, found.left)]


def write(matrix: Matrix, trees: Iterable[tuple[int, Any]], targets: int, read: Any) -> str:
    """The sum of the trees' leaves by target, float64 ``[rows, targets]``; `trees` are given with their target."""
    nodes = matrix.nodes
    ensemble = Ensemble({place: i for i, place in enumerate(matrix.whole.places)})
    for target, root in trees:
        ensemble.grow(read(root), target, read)
    exact = nodes.add("Cast", matrix.whole.value, to=TensorProto.DOUBLE)
    more = {"membership_values": _tensor(ensemble.members)} if ensemble.members else {}
    return nodes.add(
        "TreeEnsemble",
        exact,
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=1,
        post_transform=0,
        tree_roots=ensemble.roots,
        nodes_featureids=ensemble.features,
        nodes_splits=_tensor(ensemble.thresholds),
        nodes_modes=numpy_helper.from_array(np.array(ensemble.modes, np.uint8)),
        nodes_missing_value_tracks_true=ensemble.missing,
        nodes_truenodeids=ensemble.branches[0],
        nodes_falsenodeids=ensemble.branches[1],
        nodes_trueleafs=ensemble.ends[0],
        nodes_falseleafs=ensemble.ends[1],
        leaf_targetids=ensemble.targets,
        leaf_weights=_tensor(ensemble.leaves),
        **more,
    )


def _tensor(values: Sequence[float]) -> Any:
    return numpy_helper.from_array(np.array(values, np.float64))
