"""A fit as one ONNX graph: encodings, members, average, calibration and call.

    numbers ─┬─ number and period encodings ─┐
             │                               ├─ member 1 ─┐
    texts ───┴─ lookup encodings ────────────┤            ├─ average ─ calibration ─ call ─▶ label, probabilities,
                                             └─ member 2 ─┘                                 value; sets and intervals

Everything after the float32 matrices is float64 until the answer is cast to float32, so the graph's answer is the
trained model's to the last float32 digit in all but rare rows; `package.parity` proves it before a package is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper

from millrace.errors import PackageError
from millrace.package import calls
from millrace.package.estimators.base import Writer, refuse
from millrace.package.estimators.bayes import BayesWriter
from millrace.package.estimators.cat import CatBoostWriter
from millrace.package.estimators.constant import ConstantWriter
from millrace.package.estimators.converted import ConvertedWriter
from millrace.package.estimators.forest import ForestWriter
from millrace.package.estimators.gradient import GradientWriter
from millrace.package.estimators.lightgbm import LightGBMWriter
from millrace.package.estimators.linear import LinearWriter
from millrace.package.estimators.mlp import MLPWriter
from millrace.package.estimators.neighbors import NeighborsWriter
from millrace.package.estimators.svm import SVMWriter
from millrace.package.estimators.xgb import XGBoostWriter
from millrace.package.matrix import Inputs, Matrix
from millrace.package.nodes import Nodes
from millrace.records.fit import Fit, Member
from millrace.records.signature import Signature

#: Tried in order; the last accepts everything.
WRITERS: tuple[Writer, ...] = (
    ConstantWriter(),
    LinearWriter(),
    LightGBMWriter(),
    ForestWriter(),
    GradientWriter(),
    BayesWriter(),
    NeighborsWriter(),
    SVMWriter(),
    MLPWriter(),
    XGBoostWriter(),
    CatBoostWriter(),
    ConvertedWriter(),
)


def build(fit: Fit) -> bytes:
    """The graph of `fit`: the same fit gives the same bytes.

    Inputs and outputs are those `Signature` states. A binary label is the positive class where its float32 probability
    is at or above the threshold rounded to float32; among equally probable classes the first is the label.
    Raises `PackageError` when an encoding or an estimator cannot be written.
    """
    nodes = Nodes()
    inputs = Inputs(nodes, fit.signature, fit.members)
    answers = [_member(member, Matrix(inputs, member.encodings), fit.signature) for member in fit.members]
    return finished(nodes, answers, _weights(fit.members), fit)


def finished(nodes: Nodes, answers: Sequence[str], weights: np.ndarray, fit: Fit) -> bytes:
    """The graph whose members give `answers`, as `estimators.base.Writer.write` states them: averaged and called."""
    return checked(nodes.model(graph_inputs(fit.signature), _answer(nodes, answers, weights, fit)))


def dissect(fit: Fit) -> bytes:
    """A graph that gives each member's matrix and answer as ``matrix_<i>`` and ``answer_<i>``, to find a difference."""
    nodes = Nodes()
    inputs = Inputs(nodes, fit.signature, fit.members)
    outputs = []
    for i, member in enumerate(fit.members):
        matrix = Matrix(inputs, member.encodings)
        nodes.name(_member(member, matrix, fit.signature), f"answer_{i}")
        outputs.append(helper.make_tensor_value_info(f"answer_{i}", TensorProto.DOUBLE, ["rows", None]))
        if matrix.width:
            nodes.name(matrix.ordered, f"matrix_{i}")
            outputs.append(helper.make_tensor_value_info(f"matrix_{i}", TensorProto.FLOAT, ["rows", matrix.width]))
    return checked(nodes.model(graph_inputs(fit.signature), outputs))


def _member(member: Member, matrix: Matrix, signature: Signature) -> str:
    known = getattr(member.estimator, "classes_", None)
    expected = list(range(len(signature.classes)))
    if signature.task != "regression" and (known is None or list(known) != expected):
        raise refuse(member.estimator, f"its classes are {known} instead of {expected}")
    writer = next(writer for writer in WRITERS if writer.accepts(member.estimator))
    return writer.write(member.estimator, matrix, len(signature.classes) if signature.task != "regression" else 0)


def _weights(members: Sequence[Member]) -> np.ndarray:
    weights = np.array([member.weight for member in members], np.float64)
    if not len(weights) or not weights.sum() > 0 or (weights < 0).any():
        raise PackageError(
            f"The members' weights are {weights.tolist()}.",
            where="package",
            code="package.weights",
            allowed=["at least one member, no weight below 0, their sum above 0"],
        )
    return np.asarray(weights / weights.sum())


def _answer(nodes: Nodes, answers: Sequence[str], weights: np.ndarray, fit: Fit) -> list[ValueInfoProto]:
    match fit.signature.task:
        case "regression":
            return _valued(nodes, answers, weights, fit)
        case "binary":
            probabilities = _two_columns(nodes, answers, weights)
        case "multiclass":
            shares = [
                nodes.add("Mul", answer, nodes.constant(np.array(weight))) if len(answers) > 1 else answer
                for answer, weight in zip(answers, weights, strict=True)
            ]
            probabilities = shares[0] if len(shares) == 1 else nodes.add("Sum", *shares)
    if fit.calibration is not None:
        probabilities = calls.calibrated(nodes, fit.calibration, probabilities, len(fit.signature.classes))
    nodes.cast(probabilities, TensorProto.FLOAT, "probabilities")
    return _called(nodes, fit)


def _valued(nodes: Nodes, answers: Sequence[str], weights: np.ndarray, fit: Fit) -> list[ValueInfoProto]:
    joined = answers[0] if len(answers) == 1 else nodes.add("Concat", *answers, axis=1)
    mean = nodes.add("MatMul", joined, nodes.constant(weights))
    nodes.cast(mean, TensorProto.FLOAT, "value")
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["rows"])]
    if fit.conformal is not None and fit.conformal.reach is not None:
        for name, bound in zip(("lower", "upper"), calls.bounds(nodes, fit.conformal.reach, "value"), strict=True):
            nodes.cast(bound, TensorProto.FLOAT, name)
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]))
    return outputs


def _called(nodes: Nodes, fit: Fit) -> list[ValueInfoProto]:
    """Label, probabilities, and what surrounds them."""
    columns = ["rows", len(fit.signature.classes)]
    nodes.name(calls.label(nodes, fit, "probabilities"), "label")
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["rows"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, columns),
    ]
    if fit.costs:
        nodes.cast(calls.expected_costs(nodes, fit.costs, "probabilities"), TensorProto.FLOAT, "costs")
        outputs.append(helper.make_tensor_value_info("costs", TensorProto.FLOAT, columns))
    if fit.conformal is not None:
        nodes.name(calls.inside(nodes, fit.conformal, "probabilities", "label"), "inside")
        outputs.append(helper.make_tensor_value_info("inside", TensorProto.BOOL, columns))
    return outputs


def _two_columns(nodes: Nodes, answers: Sequence[str], weights: np.ndarray) -> str:
    """The negative's and the positive's probability, averaged and laid side by side by one matrix product."""
    joined = answers[0] if len(answers) == 1 else nodes.add("Concat", *answers, axis=1)
    return nodes.add(
        "Gemm", joined, nodes.constant(np.stack([-weights, weights], axis=1)), nodes.constant(np.array([1.0, 0.0]))
    )


def graph_inputs(signature: Signature) -> list[ValueInfoProto]:
    """The inputs that have fields."""
    widths = (
        ("numbers", TensorProto.DOUBLE, len(signature.numbers)),
        ("texts", TensorProto.STRING, len(signature.texts)),
    )
    return [helper.make_tensor_value_info(name, kind, ["rows", width]) for name, kind, width in widths if width]


def checked(model: ModelProto) -> bytes:
    """The bytes of a model that follows ONNX's rules."""
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
