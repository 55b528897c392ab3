"""What an encoder gives: some columns of a member's matrix, not yet in their final order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from millrace.package.nodes import Nodes


@dataclass(frozen=True, slots=True)
class Part:
    """Columns side by side: `places[i]` is where column i of float32 `value` belongs in the member's matrix."""

    value: str
    places: tuple[int, ...]


def columns(nodes: Nodes, matrix: str, wanted: Sequence[int], width: int) -> str:
    """The columns `wanted` of a matrix of `width` columns; the matrix itself when that is all of them in order."""
    if list(wanted) == list(range(width)):
        return matrix
    return nodes.add("Gather", matrix, nodes.constant(np.asarray(wanted, np.int64)), axis=1)
