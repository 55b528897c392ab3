"""Numeric columns: all of a member's at once, each step one node over row vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from millrace.package.encoders.base import Part, columns
from millrace.package.nodes import Nodes
from millrace.records.encoding import NumberEncoding


def write(
    nodes: Nodes, encodings: Sequence[tuple[int, NumberEncoding]], positions: Mapping[str, int]
) -> tuple[Part, ...]:
    """The columns of `encodings`, each given with its first place in the matrix; `positions` are those in ``numbers``.

    Steps that change nothing for any column are left out: subtracting 0 and multiplying by 1 are exact.
    """
    found = [encoding for _, encoding in encodings]
    raw = columns(nodes, "numbers", [positions[encoding.column] for encoding in found], len(positions))
    scaled = nodes.add(
        "Cast", _scaled(nodes, _powered(nodes, _filled(nodes, _clipped(nodes, raw, found), found), found), found), to=1
    )
    parts = [Part(scaled, tuple(place for place, _ in encodings))]
    flagged = [(place, encoding) for place, encoding in encodings if encoding.indicator]
    if flagged:
        marked = columns(nodes, "numbers", [positions[encoding.column] for _, encoding in flagged], len(positions))
        flags = nodes.add("Cast", nodes.add("IsNaN", marked), to=TensorProto.FLOAT)
        parts.append(Part(flags, tuple(place + 1 for place, _ in flagged)))
    return tuple(parts)


def _clipped(nodes: Nodes, values: str, encodings: Sequence[NumberEncoding]) -> str:
    # Max and Min of ONNX Runtime pass NaN on, as the encoding demands; Clip takes no row vectors.
    if any(encoding.low is not None for encoding in encodings):
        low = [-np.inf if encoding.low is None else encoding.low for encoding in encodings]
        values = nodes.add("Max", values, _row(nodes, low))
    if any(encoding.high is not None for encoding in encodings):
        high = [np.inf if encoding.high is None else encoding.high for encoding in encodings]
        values = nodes.add("Min", values, _row(nodes, high))
    return values


def _filled(nodes: Nodes, values: str, encodings: Sequence[NumberEncoding]) -> str:
    if all(encoding.fill is None for encoding in encodings):
        return values
    fill = [np.nan if encoding.fill is None else encoding.fill for encoding in encodings]
    return nodes.add("Where", nodes.add("IsNaN", values), _row(nodes, fill), values)


def _powered(nodes: Nodes, values: str, encodings: Sequence[NumberEncoding]) -> str:
    if all(encoding.power is None for encoding in encodings):
        return values
    power = np.array([1.0 if encoding.power is None else encoding.power for encoding in encodings])
    zero, one = nodes.constant(np.array(0.0)), nodes.constant(np.array(1.0))
    sides = [
        (nodes.add("Add", nodes.add("Max", values, zero), one), power),
        (nodes.add("Sub", one, nodes.add("Min", values, zero)), 2 - power),
    ]
    above, below = (
        nodes.add("Div", nodes.add("Sub", nodes.add("Pow", base, _row(nodes, by)), one), _row(nodes, by))
        for base, by in sides
    )
    # Columns without a power keep every digit.
    asked = nodes.constant(np.array([encoding.power is not None for encoding in encodings]))
    return nodes.add("Where", asked, nodes.add("Sub", above, below), values)


def _scaled(nodes: Nodes, values: str, encodings: Sequence[NumberEncoding]) -> str:
    if any(encoding.center != 0 for encoding in encodings):
        values = nodes.add("Sub", values, _row(nodes, [encoding.center for encoding in encodings]))
    if any(encoding.factor != 1 for encoding in encodings):
        values = nodes.add("Mul", values, _row(nodes, [encoding.factor for encoding in encodings]))
    return values


def _row(nodes: Nodes, values: Sequence[float] | np.ndarray) -> str:
    return nodes.constant(np.asarray(values, np.float64))
