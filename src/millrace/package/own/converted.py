"""Steps that skl2onnx converts: in float64 where its graph can be run, else in float32. Parity decides in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnxruntime
from onnx import ModelProto, TensorProto

from millrace.package.nodes import OPSETS
from millrace.package.own.columns import Writing, refuse

#: Tree operators of older opsets, which a graph of ours cannot hold.
_RETIRED = frozenset(("TreeEnsembleClassifier", "TreeEnsembleRegressor"))


def converted(
    writing: Writing, path: str, step: Any, value: str, width: int, *, text: bool, options: Mapping[str, Any]
) -> tuple[str, bool]:
    """The last output of the converter's graph, and whether it is text; float64 if not.

    Raises `PackageError` when there is no graph of it that can be run.
    """
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

    nodes, reason = writing.nodes, ""
    for kind in (StringTensorType,) if text else (DoubleTensorType, FloatTensorType):
        model = _model(step, kind([None, width]), path, options)
        reason = _unfit(model)
        if not reason:
            single = kind is FloatTensorType
            found = nodes.paste(model.graph, {"matrix": nodes.add("Cast", value, to=1) if single else value})[-1]
            texts = model.graph.output[-1].type.tensor_type.elem_type == TensorProto.STRING
            return (found if texts else nodes.add("Cast", found, to=TensorProto.DOUBLE)), texts
    raise refuse(path, f"what skl2onnx makes of {type(step).__name__} {reason}")


def _model(step: Any, taken: Any, path: str, options: Mapping[str, Any]) -> ModelProto:
    from skl2onnx import convert_sklearn

    opsets = {**OPSETS, "ai.onnx.ml": 3}  # the newest that skl2onnx writes
    given = {id(step): dict(options)} if options else None
    try:
        return convert_sklearn(step, "step", [("matrix", taken)], options=given, target_opset=opsets)
    except Exception as error:  # skl2onnx's errors share no base class
        raise refuse(path, f"skl2onnx says: {str(error).splitlines()[0].rstrip('. ')}") from error


def _unfit(model: ModelProto) -> str:
    """Why a graph cannot be part of ours; empty when it can."""
    if retired := sorted(_RETIRED & {node.op_type for node in model.graph.node}):
        return f"has a {retired[0]}, which newer graphs cannot hold"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no base class
        return f"cannot be run: {str(error).splitlines()[0]}"
    return ""
