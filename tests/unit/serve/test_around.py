"""What else may be true beside an answer, for those who ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from millrace.errors import RequestError
from millrace.records.conformal import Conformal
from millrace.records.fit import Answer
from millrace.serve.around import asked_for, surroundings
from millrace.store.objects import Store
from millrace.store.packages import publish
from serving import serving
from tiny_package import MANIFEST, graph, publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}


def with_sets() -> bytes:
    """The tiny graph, and the classes with a probability of at least 0.3."""
    model = onnx.load_from_string(graph())
    cut = numpy_helper.from_array(np.array(0.3, np.float32), "cut")
    model.graph.initializer.append(cut)
    model.graph.node.append(helper.make_node("GreaterOrEqual", ["probabilities", "cut"], ["inside"]))
    model.graph.output.append(helper.make_tensor_value_info("inside", TensorProto.BOOL, [None, 2]))
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("served")
    manifest = replace(MANIFEST, conformal=Conformal(0.9, cuts=(0.3, 0.3)))
    publish(Store(folder), manifest, {"model.onnx": with_sets(), "profile.json": b"{}"})
    with serving(folder, version=1) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def test_sets_come_when_they_are_asked_for(client: httpx.Client) -> None:
    # logits 0 and 2: P(Yes) is 0.5 and 0.881
    answer = client.post("/predict?conformal=true", json={"rows": [ROW, ROW | {"calls": 2}]}).json()
    assert [one["set"] for one in answer["predictions"]] == [["No", "Yes"], ["Yes"]]
    assert answer["coverage"] == 0.9


@pytest.mark.parametrize("query", ["", "?conformal=false", "?other=1"])
def test_others_get_the_plain_answer(client: httpx.Client, query: str) -> None:
    answer = client.post(f"/predict{query}", json=ROW).json()
    assert set(answer) == {"predictions", "package", "version"}
    assert set(answer["predictions"][0]) == {"id", "label", "probability", "probabilities"}


def test_another_word_is_refused(client: httpx.Client) -> None:
    answer = client.post("/predict?conformal=maybe", json=ROW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "request.conformal")


def test_a_package_without_sets_says_so(tmp_path: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("plain")
    publish_tiny(Store(folder))
    with serving(folder, version=1) as server:
        answer = httpx.post(f"{server.url}/predict?conformal=true", json=ROW, timeout=10)
    assert answer.status_code == 422
    assert "has no sets, intervals or costs" in answer.json()["error"]["seen"]


def test_costs_and_intervals_are_told_row_by_row() -> None:
    label, chances = np.array([1]), np.array([[0.2, 0.8]], np.float32)
    priced = Answer(label, chances, costs=np.array([[1.5, 0.5]], np.float32))
    assert surroundings(priced, ("No", "Yes")) == [{"expected_costs": {"No": 1.5, "Yes": 0.5}}]
    value = Answer(value=np.array([2.0]), lower=np.array([1.0]), upper=np.array([4.0]))
    assert surroundings(value, ()) == [{"lower": 1.0, "upper": 4.0}]


def test_the_last_word_of_a_query_counts() -> None:
    assert asked_for("conformal=true&conformal=0") == {"conformal": False, "explain": False}
    with pytest.raises(RequestError, match="`conformal` is ``"):
        asked_for("conformal")
