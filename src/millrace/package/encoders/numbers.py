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
    value, order = exact(nodes, [encoding for _, encoding in encodings], positions)
    parts = [Part(nodes.add("Cast", value, to=TensorProto.FLOAT), tuple(encodings[i][0] for i in order))]
    told = sorted(
        ((place, one) for place, one in encodings if one.indicator), key=lambda pair: pair[1].until is not None
    )
    if told:
        marks = flags(nodes, [encoding for _, encoding in told], positions)
        parts.append(Part(marks, tuple(place + 1 for place, _ in told)))
    return tuple(parts)


def exact(
    nodes: Nodes, encodings: Sequence[NumberEncoding], positions: Mapping[str, int]
) -> tuple[str, tuple[int, ...]]:
    """The numbers before the cast, float64 ``[rows, encodings]``, and which encoding each column is of."""
    kinds: dict[tuple[bool, bool], list[int]] = {}
    for place, encoding in enumerate(encodings):
        kinds.setdefault((encoding.until is not None, bool(encoding.knots)), []).append(place)
    parts = [_alike(nodes, [encodings[place] for place in places], positions) for places in kinds.values()]
    order = tuple(place for places in kinds.values() for place in places)
    return parts[0] if len(parts) == 1 else nodes.add("Concat", *parts, axis=1), order


def flags(nodes: Nodes, encodings: Sequence[NumberEncoding], positions: Mapping[str, int]) -> str:
    """Where the inputs of `encodings` are missing, float32 ``[rows, encodings]``: first those of columns, then ages."""
    ages, plain = [one for one in encodings if one.until], [one for one in encodings if not one.until]
    parts = [nodes.add("IsNaN", _raw(nodes, some, positions)) for some in (plain, ages) if some]
    joined = parts[0] if len(parts) == 1 else nodes.add("Concat", *parts, axis=1)
    return nodes.add("Cast", joined, to=TensorProto.FLOAT)


def _alike(nodes: Nodes, found: Sequence[NumberEncoding], positions: Mapping[str, int]) -> str:
    """Numbers that are all of one kind: ages or not, by rank or not."""
    values = _filled(nodes, _clipped(nodes, _raw(nodes, found, positions), found), found)
    bent = _ranked(nodes, values, found) if found[0].knots else _powered(nodes, values, found)
    return _scaled(nodes, bent, found)


def _raw(nodes: Nodes, encodings: Sequence[NumberEncoding], positions: Mapping[str, int]) -> str:
    own = columns(nodes, "numbers", [positions[encoding.column] for encoding in encodings], len(positions))
    if encodings[0].until is None:
        return own
    ends = columns(nodes, "numbers", [positions[str(encoding.until)] for encoding in encodings], len(positions))
    starts = nodes.add("Mul", own, _row(nodes, [encoding.units[0] for encoding in encodings]))
    return nodes.add("Sub", nodes.add("Mul", ends, _row(nodes, [encoding.units[1] for encoding in encodings])), starts)


def _ranked(nodes: Nodes, values: str, encodings: Sequence[NumberEncoding]) -> str:
    """Straight between neighbouring knots: the first score, plus of every stretch what lies below the value."""
    longest = max(2, *(len(encoding.knots) for encoding in encodings))
    # A column with fewer knots has stretches of no length at its end.
    points = np.array(
        [(*encoding.knots, *[encoding.knots[-1]] * (longest - len(encoding.knots))) for encoding in encodings]
    )
    starts, lengths, rises = points[:, :-1, 0], np.diff(points[:, :, 0]), np.diff(points[:, :, 1])
    slopes = np.divide(rises, lengths, out=np.zeros_like(rises), where=lengths > 0)
    deep = nodes.add("Unsqueeze", values, nodes.constant(np.array([2], np.int64)))
    covered = nodes.add("Max", nodes.add("Sub", deep, nodes.constant(starts)), nodes.constant(np.array(0.0)))
    risen = nodes.add("Mul", nodes.add("Min", covered, nodes.constant(lengths)), nodes.constant(slopes))
    above = nodes.add("ReduceSum", risen, nodes.constant(np.array([2], np.int64)), keepdims=0)
    return nodes.add("Add", above, _row(nodes, points[:, 0, 1]))


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
