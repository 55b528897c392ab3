"""A real package small enough to work out by hand: a logistic regression on two numbers and one category."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from millrace.records.evaluation import Evaluation, Metric
from millrace.records.package import Manifest, PackageInfo
from millrace.records.signature import Field, Signature
from millrace.store.objects import Store
from millrace.store.packages import publish

SIGNATURE = Signature(
    task="binary",
    target="churn",
    inputs=(
        Field("age", "number", required=True, low=18.0, high=90.0, example=41.0),
        Field("plan", "category", categories=("gold", "basic"), example="gold"),
        Field("calls", "integer", low=0.0, high=20.0, example=3),
    ),
    classes=("No", "Yes"),
    positive="Yes",
)


def graph(bias: float = 0.0) -> bytes:
    """P(Yes) = sigmoid(calls + 2·[plan = gold] + bias - age/10), missing calls as 0; Yes from 0.5 on."""

    def constant(name: str, value: object, dtype: type) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(value, dtype=dtype), name)

    nodes = [
        helper.make_node("IsNaN", ["numbers"], ["nan"]),
        helper.make_node("Where", ["nan", "zero", "numbers"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["linear"]),
        helper.make_node("LabelEncoder", ["texts"], ["code"], domain="ai.onnx.ml", keys_strings=["gold"],
                         values_floats=[2.0], default_float=0.0),
        helper.make_node("Cast", ["code"], ["code64"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["linear", "code64"], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["both"], axis=1),
        helper.make_node("Cast", ["both"], ["probabilities"], to=TensorProto.FLOAT),
        helper.make_node("GreaterOrEqual", ["yes", "half"], ["flag"]),
        helper.make_node("Cast", ["flag"], ["label2"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["label2", "axis"], ["label"]),
    ]  # fmt: skip
    inputs = [
        helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [None, 2]),
        helper.make_tensor_value_info("texts", TensorProto.STRING, [None, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    constants = [
        constant("zero", 0.0, np.float64),
        constant("one", 1.0, np.float64),
        constant("half", 0.5, np.float64),
        constant("bias", bias, np.float64),
        constant("weights", [[-0.1], [1.0]], np.float64),
        constant("axis", [1], np.int64),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )
    return bytes(model.SerializeToString())


MANIFEST = Manifest(
    name="churn",
    version=0,
    run="r1",
    created="2026-05-17T00:00:00Z",
    signature=SIGNATURE,
    evaluation=Evaluation("binary", {"roc_auc": Metric(0.9, 0.8, 0.95)}, "roc_auc", rows=100),
    files={},
    threshold=0.5,
)


def publish_tiny(store: Store, *, bias: float = 0.0, name: str = "churn") -> PackageInfo:
    """Publish the package and say where it rests."""
    return publish(store, replace(MANIFEST, name=name), {"model.onnx": graph(bias), "profile.json": b"{}"})[1]
