"""How scores of a graph become probabilities, in the shape that a writer gives."""

from __future__ import annotations

import numpy as np

from millrace.package.encoders.base import columns
from millrace.package.nodes import Nodes

#: Scores beyond are as sure as can be; their exponentials stay finite.
_FARTHEST = 500.0


def softmax(nodes: Nodes, scores: str, classes: int) -> str:
    """Of a score for each class: the second's share of two, or everyone's."""
    shares = nodes.add("Softmax", scores, axis=-1)
    return columns(nodes, shares, [1], 2) if classes == 2 else shares


def clipped(nodes: Nodes, scores: str) -> str:
    """The scores, within what exponentials bear."""
    low, high = (nodes.constant(np.array(end)) for end in (-_FARTHEST, _FARTHEST))
    return nodes.add("Min", nodes.add("Max", scores, low), high)


def shared(nodes: Nodes, values: str) -> str:
    """Values from 0 up, divided by their sum in each row."""
    return nodes.add("Div", values, nodes.add("ReduceSum", values, nodes.constant(np.array([1], np.int64)), keepdims=1))
