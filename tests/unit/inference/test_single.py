"""One row at a time is answered as many at once are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from every_kind_package import publish_every_kind
from millrace.inference.direct import Direct
from millrace.inference.model import Model
from millrace.inference.single import One
from millrace.records.signature import Field, Signature
from millrace.store.objects import Store
from millrace.store.packages import find, publish
from tiny_package import MANIFEST, publish_tiny

INPUTS = (Field("age", "number"), Field("calls", "integer"))


def open_sum(
    folder: Path, *nodes: onnx.NodeProto, classes: tuple[str, ...] = (), shape: tuple[Any, ...] = (None,)
) -> Model:
    """A graph of numbers alone: `nodes` from ``numbers`` to ``value``, or to ``label`` and ``probabilities``."""
    given = [("label", TensorProto.INT64, [None]), ("probabilities", TensorProto.FLOAT, [None, 2])]
    outputs = given if classes else [("value", TensorProto.FLOAT, shape)]
    model = helper.make_model(
        helper.make_graph(
            list(nodes),
            "sum",
            [helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [None, 2])],
            [helper.make_tensor_value_info(*output) for output in outputs],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    task = "binary" if classes else "regression"
    signature = Signature(task, "y", INPUTS, classes, "Yes" if classes else None)
    store = Store(folder)
    publish(store, replace(MANIFEST, name="sum", signature=signature), {"model.onnx": model.SerializeToString()})
    return Model.open(find(store, "sum", 1).path)


ROWS = (
    helper.make_node("Cast", ["numbers"], ["probabilities"], to=TensorProto.FLOAT),
    helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
)


def test_classes_come_with_the_probability_of_each(tmp_path: Path) -> None:
    single = open_sum(tmp_path, *ROWS, classes=("No", "Yes")).single()
    assert single.answer((0.25, 0.75)) == One(
        np.array([0.25, 0.75]).tobytes(), [], 1, [0.25, 0.75], np.array([0.25, 0.75], np.float32).tobytes()
    )
    assert single.answer((0.5, 0.25)).label == 0


@pytest.mark.parametrize("kept", [0, 1], ids=["flat", "a column"])
def test_a_value_comes_alone(tmp_path: Path, kept: int) -> None:
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[1])
    total = helper.make_node("ReduceSum", ["numbers", "axes"], ["sum"], keepdims=kept)
    value = helper.make_node("Cast", ["sum"], ["value"], to=TensorProto.FLOAT)
    single = open_sum(tmp_path, axes, total, value, shape=(None, 1)[: 1 + kept]).single()
    assert (single.answer((1.5, 2)).scores, single.answer((0.5, 2)).label) == ([3.5], None)


def test_what_one_row_left_behind_is_not_in_the_answer_to_the_next(tmp_path: Path) -> None:
    single = open_sum(tmp_path, *ROWS, classes=("No", "Yes")).single()
    first = single.answer((0.25, 0.75))
    second = single.answer((None, True))
    assert first.scores == [0.25, 0.75]
    assert np.isnan(second.scores[0])
    assert second.scores[1] == 1.0


def test_a_number_that_no_float_can_hold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OverflowError, match="too large"):
        open_sum(tmp_path, *ROWS, classes=("No", "Yes")).single().answer((1.0, 10**400))


@pytest.mark.parametrize("kind", ["texts beside numbers", "every kind of field"])
def test_texts_are_answered_as_many_rows_are(tmp_path: Path, kind: str) -> None:
    if kind == "texts beside numbers":
        publish_tiny(other := Store(tmp_path))
        body = b'{"age": 20, "plan": "gold", "calls": 3}'
    else:
        publish_every_kind(other := Store(tmp_path))
        needed = b'"number needed": 1.5, "integer needed": 3, "boolean needed": true, "date needed": "1970-01-02"'
        body = (
            b"{"
            + needed
            + b', "datetime needed": "1970-01-01T00:00:10Z", "category needed": "a", "text needed": "B c"}'
        )
    model = Model.open(find(other, "churn", 1).path)
    (values,) = Direct(model.signature).rows(body) or [()]
    one = model.single().answer(values)
    matrices = Direct(model.signature).read(body)
    assert matrices
    many = model.answer(*matrices)
    scores = many.value if many.probabilities is None else many.probabilities
    assert scores is not None
    assert one.scores == scores.ravel().tolist()
    assert one.label == (None if many.label is None else many.label.item())
    assert one.numbers == matrices[0].tobytes()
    assert one.texts == matrices[1].ravel().tolist()
