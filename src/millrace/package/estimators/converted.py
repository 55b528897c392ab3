"""Every other scikit-learn estimator, as skl2onnx converts it on the float32 matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.encoders.base import columns
from millrace.package.estimators.base import refuse
from millrace.package.matrix import Matrix
from millrace.package.nodes import OPSETS

#: Operators of older opsets that a graph of ours cannot hold.
_RETIRED = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}


class ConvertedWriter:
    """The fallback: accepts everything, and refuses with the converter's own reason."""

    def accepts(self, estimator: Any) -> bool:  # noqa: ARG002 - the port's signature
        """Whatever no other writer takes."""
        return True

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The converter's graph, with probabilities or the prediction as its answer."""
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        opsets = {**OPSETS, "ai.onnx.ml": 3}  # the newest that skl2onnx writes
        options = {id(estimator): {"zipmap": False}} if classes else None
        taken = [("matrix", FloatTensorType([None, matrix.width]))]
        try:
            model = convert_sklearn(estimator, "estimator", taken, options=options, target_opset=opsets)
        except Exception as error:  # skl2onnx's errors share no base class
            raise refuse(estimator, str(error).splitlines()[0]) from error
        if retired := sorted({node.op_type for node in model.graph.node} & _RETIRED):
            raise refuse(estimator, f"skl2onnx writes it with {retired[0]}, which newer graphs cannot hold")
        found = matrix.nodes.paste(model.graph, {"matrix": matrix.ordered})[-1]
        exact = matrix.nodes.add("Cast", found, to=TensorProto.DOUBLE)
        if classes == 2:
            return columns(matrix.nodes, exact, [1], 2)
        if classes:
            return exact
        return matrix.nodes.add("Reshape", exact, matrix.nodes.constant(np.array([-1, 1], np.int64)))
