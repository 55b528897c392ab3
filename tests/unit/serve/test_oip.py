from __future__ import annotations

from typing import Any

import msgspec
import pytest

from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.serve import oip
from millrace.serve.core import Core
from millrace.serve.shapes import MalformedError
from millrace.store.objects import Store
from millrace.store.packages import find


@pytest.fixture
def core(store: Store) -> Core:
    return Core(Model.open(find(store, "churn", 1).path))


def tensors(**changes: dict[str, object]) -> dict[str, Any]:
    inputs: dict[str, dict[str, object]] = {
        "age": {"datatype": "FP64", "shape": [2], "data": [20, 20]},
        "plan": {"datatype": "BYTES", "shape": [2], "data": ["gold", None]},
        "calls": {"datatype": "INT64", "shape": [2, 1], "data": [[0], [0]]},
    }
    for name, change in changes.items():
        inputs[name] = inputs.get(name, {}) | change
    return {"inputs": [{"name": name, **tensor} for name, tensor in inputs.items()]}


def infer(core: Core, request: dict[str, Any]) -> Any:
    return msgspec.json.decode(oip.infer(core, msgspec.json.encode(request)))


def test_named_tensors_give_the_answers_of_the_formula(core: Core) -> None:
    answer = infer(core, tensors() | {"id": "request-7"})
    label, probabilities, ids = answer.pop("outputs")
    assert answer == {"model_name": "churn", "model_version": "1", "id": "request-7"}
    assert label == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["Yes", "No"]}
    # logits 0 and -2
    assert probabilities["data"] == pytest.approx([0.5, 0.5, 0.8807971, 0.1192029])
    assert (probabilities["shape"], probabilities["datatype"]) == ([2, 2], "FP32")
    assert len(set(ids["data"])) == 2


def test_an_id_is_only_echoed_when_given(core: Core) -> None:
    assert "id" not in infer(core, tensors())


def test_only_the_outputs_asked_for_are_given(core: Core) -> None:
    answer = infer(core, tensors() | {"outputs": [{"name": "label"}]})
    assert [output["name"] for output in answer["outputs"]] == ["label"]


def test_metadata_names_every_field_and_output(core: Core) -> None:
    assert oip.model_metadata(core.loaded) == {
        "name": "churn",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [
            {"name": "age", "datatype": "FP64", "shape": [-1]},
            {"name": "plan", "datatype": "BYTES", "shape": [-1]},
            {"name": "calls", "datatype": "INT64", "shape": [-1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "prediction_id", "datatype": "BYTES", "shape": [-1]},
        ],
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (tensors(age={"datatype": "BYTES"}), "datatype is BYTES"),
        (tensors(age={"shape": [3]}), "2 values where its shape says 3"),
        (tensors(age={"shape": [2, 3]}), r"shape is \[2, 3\]"),
        (tensors(age={"shape": [1], "data": [20]}), "1 values where another field has 2"),
        (tensors(age={"data": ["x", 20]}), "the text x"),
        (tensors(age={"data": [None, 20]}), "missing"),
        (tensors() | {"outputs": [{"name": "logits"}]}, "no output logits"),
    ],
)
def test_tensors_that_do_not_fit_are_named(core: Core, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        infer(core, changed)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"inputs": 1}', b'{"inputs": [{"name": "age"}]}'])
def test_a_body_of_another_shape_is_malformed(core: Core, body: bytes) -> None:
    with pytest.raises(MalformedError, match="not an inference request"):
        oip.infer(core, body)


def test_tensors_of_unknown_names_are_counted_not_refused(core: Core) -> None:
    infer(core, tensors(colour={"datatype": "BYTES", "shape": [2], "data": ["red", "red"]}))
    assert core.counters.extra_fields == 1
