"""Numeric columns as principal components: one matrix product over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import TensorProto

from millrace.package.encoders import numbers
from millrace.package.encoders.base import Part
from millrace.package.nodes import Nodes
from millrace.records.encoding import ComponentsEncoding


def write(
    nodes: Nodes, encodings: Sequence[tuple[int, ComponentsEncoding]], positions: Mapping[str, int]
) -> tuple[Part, ...]:
    """The columns of `encodings`, each given with its first place in the matrix, by `positions` in ``numbers``."""
    return tuple(part for place, encoding in encodings for part in _one(nodes, place, encoding, positions))


def _one(nodes: Nodes, place: int, encoding: ComponentsEncoding, positions: Mapping[str, int]) -> list[Part]:
    value, order = numbers.exact(nodes, encoding.numbers, positions)
    scores = nodes.add("MatMul", value, nodes.constant(encoding.axes[list(order)]))
    count = encoding.axes.shape[1]
    parts = [Part(nodes.add("Cast", scores, to=TensorProto.FLOAT), tuple(range(place, place + count)))]
    told = [one for one in encoding.numbers if one.indicator]
    if told:
        spots = sorted(range(len(told)), key=lambda spot: told[spot].until is not None)
        marks = numbers.flags(nodes, told, positions)
        parts.append(Part(marks, tuple(place + count + spot for spot in spots)))
    return parts
