"""What follows the average of the members, as values of the graph: calibration, label, costs, sets and intervals.

Each function writes what its twin in `evaluate` computes (`calibrating`, `costs`, `conformal`), in float64 where that
is, and from float32 probabilities where that starts from them.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from millrace.package.nodes import Nodes
from millrace.records.calibration import EDGE, Calibration, Curve
from millrace.records.conformal import Conformal
from millrace.records.fit import Fit


def calibrated(nodes: Nodes, calibration: Calibration, probabilities: str, classes: int) -> str:
    """Calibrated probabilities ``[rows, classes]``, double like the given ones."""
    if classes == 2:
        positive = _mapped(nodes, calibration, 0, _column(nodes, probabilities, 1))
        return nodes.add("Concat", nodes.add("Sub", _number(nodes, 1.0), positive), positive, axis=1)
    if calibration.method == "temperature":
        inside = nodes.add("Clip", probabilities, _number(nodes, EDGE), _number(nodes, 1.0))
        grown = nodes.add("Mul", nodes.add("Log", inside), _number(nodes, calibration.slopes[0]))
        return nodes.add("Softmax", grown, axis=-1)
    mapped = [_mapped(nodes, calibration, i, _column(nodes, probabilities, i)) for i in range(classes)]
    powers = nodes.add("Concat", *mapped, axis=1)
    return nodes.add("Div", powers, nodes.add("ReduceSum", powers, _whole(nodes, [1]), keepdims=1))


def _mapped(nodes: Nodes, calibration: Calibration, place: int, probability: str) -> str:
    if calibration.method == "isotonic":
        return followed(nodes, calibration.curves[place], probability)
    inside = nodes.add("Clip", probability, _number(nodes, EDGE), _number(nodes, 1 - EDGE))
    odds = nodes.add("Div", inside, nodes.add("Sub", _number(nodes, 1.0), inside))
    line = nodes.add("Mul", nodes.add("Log", odds), _number(nodes, calibration.slopes[place]))
    if calibration.offsets:
        line = nodes.add("Add", line, _number(nodes, calibration.offsets[place]))
    return nodes.add("Sigmoid", line)


def followed(nodes: Nodes, curve: Curve, at: str) -> str:
    """The curve's height at each of ``[rows, 1]``: its first height, plus what each of its pieces adds up to there.

    A piece adds nothing left of it, all of its rise right of it, and within it the share that lies left of the place.
    """
    x, y = np.array(curve.x), np.array(curve.y)
    if len(x) == 1:  # the same height everywhere
        x, y = np.append(x, x + 1.0), np.append(y, y)
    past = nodes.add("Sub", at, nodes.constant(x[None, :-1]))
    share = nodes.add("Div", past, nodes.constant(np.diff(x)[None, :]))
    inside = nodes.add("Clip", share, _number(nodes, 0.0), _number(nodes, 1.0))
    return nodes.add("Gemm", inside, nodes.constant(np.diff(y)[:, None]), nodes.constant(y[:1]))


def label(nodes: Nodes, fit: Fit, probabilities: str) -> str:
    """The class called, int64 ``[rows]``, from float32 probabilities ``[rows, classes]``."""
    if fit.signature.task == "binary":
        positive = nodes.add("Gather", probabilities, nodes.constant(np.array(1, np.int64)), axis=1)
        threshold = np.array(0.5 if fit.threshold is None else fit.threshold, np.float32)
        called = nodes.add("GreaterOrEqual", positive, nodes.constant(threshold))
        return nodes.add("Cast", called, to=TensorProto.INT64)
    if fit.costs:
        return nodes.add("ArgMin", expected_costs(nodes, fit.costs, probabilities), axis=1, keepdims=0)
    return nodes.add("ArgMax", probabilities, axis=1, keepdims=0)


def expected_costs(nodes: Nodes, costs: tuple[tuple[float, ...], ...], probabilities: str) -> str:
    """What each call is expected to cost, double ``[rows, classes]``."""
    exact = nodes.add("Cast", probabilities, to=TensorProto.DOUBLE)
    return nodes.add("MatMul", exact, nodes.constant(np.array(costs, np.float64)))


def inside(nodes: Nodes, conformal: Conformal, probabilities: str, called: str) -> str:
    """The classes that may be true, bool ``[rows, classes]``: above their cut, or called."""
    cuts = np.asarray(conformal.cuts, np.float32)
    above = nodes.add("GreaterOrEqual", probabilities, nodes.constant(cuts[None, :]))
    row = nodes.add("Unsqueeze", called, _whole(nodes, [1]))
    own = nodes.add("Equal", row, nodes.constant(np.arange(len(cuts), dtype=np.int64)[None, :]))
    return nodes.add("Or", above, own)


def bounds(nodes: Nodes, reach: Curve, value: str) -> tuple[str, str]:
    """Between what the truth may lie, double ``[rows]``, around float32 values ``[rows]``."""
    exact = nodes.add("Cast", value, to=TensorProto.DOUBLE)
    column = nodes.add("Unsqueeze", exact, _whole(nodes, [1]))
    far = nodes.add("Squeeze", followed(nodes, reach, column), _whole(nodes, [1]))
    return nodes.add("Sub", exact, far), nodes.add("Add", exact, far)


def _column(nodes: Nodes, values: str, place: int) -> str:
    return nodes.add("Gather", values, _whole(nodes, [place]), axis=1)


def _number(nodes: Nodes, value: float) -> str:
    return nodes.constant(np.array(value, np.float64))


def _whole(nodes: Nodes, values: list[int]) -> str:
    return nodes.constant(np.array(values, np.int64))
