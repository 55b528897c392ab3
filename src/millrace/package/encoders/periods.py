"""Dates and datetimes as phases of a period, all of a member's at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from millrace.package.encoders.base import Part, columns
from millrace.package.nodes import Nodes
from millrace.records.encoding import PeriodEncoding


def write(
    nodes: Nodes, encodings: Sequence[tuple[int, PeriodEncoding]], positions: Mapping[str, int]
) -> tuple[Part, ...]:
    """Sine and cosine of each column's phase; whole turns are taken off first, so that far dates keep their digits."""
    found = [encoding for _, encoding in encodings]
    raw = columns(nodes, "numbers", [positions[encoding.column] for encoding in found], len(positions))
    scaled = nodes.add("Mul", raw, nodes.constant(np.array([encoding.unit for encoding in found])))
    turns = nodes.add("Div", scaled, nodes.constant(np.array([encoding.seconds for encoding in found])))
    phase = nodes.add("Sub", turns, nodes.add("Floor", turns))
    angle = nodes.add("Mul", phase, nodes.constant(np.array(2 * np.pi)))
    zero, missing = nodes.constant(np.array(0.0)), nodes.add("IsNaN", raw)
    waves = [nodes.add("Where", missing, zero, nodes.add(wave, angle)) for wave in ("Sin", "Cos")]
    places = [place for place, _ in encodings]
    return tuple(
        Part(nodes.add("Cast", wave, to=TensorProto.FLOAT), tuple(place + shift for place in places))
        for shift, wave in enumerate(waves)
    )
