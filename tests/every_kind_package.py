"""A real package that is asked for a value and takes a needed and an optional field of every type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from millrace.records.evaluation import Evaluation, Metric
from millrace.records.signature import Field, FieldType, Signature
from millrace.store.objects import Store
from millrace.store.packages import publish
from tiny_package import MANIFEST

KINDS: tuple[FieldType, ...] = ("number", "integer", "boolean", "date", "datetime", "category", "text")
EXAMPLES = (1.5, 3, True, "2026-05-17", "2026-05-17T08:30:00Z", "gold", "a small red shoe")


def publish_every_kind(store: Store) -> None:
    """A regression on a needed and an optional field of every kind: the sum of its numbers."""
    inputs = tuple(
        Field(f"{kind} {need}", kind, required=need == "needed", example=example)
        for need in ("needed", "optional")
        for kind, example in zip(KINDS, EXAMPLES, strict=True)
    )
    nodes = [
        helper.make_node("IsNaN", ["numbers"], ["nan"]),
        helper.make_node("Where", ["nan", "zero", "numbers"], ["filled"]),
        helper.make_node("ReduceSum", ["filled", "axis"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["value"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [
            helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [None, 10]),
            helper.make_tensor_value_info("texts", TensorProto.STRING, [None, 4]),
        ],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(np.zeros((), np.float64), "zero"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    manifest = replace(
        MANIFEST,
        signature=Signature("regression", "price", inputs),
        evaluation=Evaluation("regression", {"rmse": Metric(1.0, 0.9, 1.1)}, "rmse", rows=100),
        threshold=None,
    )
    publish(store, manifest, {"model.onnx": model.SerializeToString(), "profile.json": b"{}"})
