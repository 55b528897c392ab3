from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from millrace.serve.body import MEBIBYTE
from millrace.store.objects import Store
from serving import serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("served")
    publish_tiny(Store(folder))
    with serving(folder, version=1) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def test_a_row_is_predicted(client: httpx.Client) -> None:
    answer = client.post("/predict", json=ROW)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["predictions"][0]["label"] == "Yes"


def test_a_value_that_does_not_fit_is_named_with_its_row_and_field(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"rows": [ROW, ROW | {"age": "old"}]})
    assert answer.status_code == 422
    assert answer.json() == {
        "error": {
            "code": "request.type",
            "row": 1,
            "field": "age",
            "seen": "It is the text old.",
            "allowed": ["a finite number"],
        }
    }


def test_bad_json_is_400(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"{")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "request.json"


@pytest.mark.parametrize("path", ["/predict", "/feedback", "/v2/models/churn/infer"])
def test_a_body_that_is_too_large_is_413(client: httpx.Client, path: str) -> None:
    assert client.post(path, content=b" " * (16 * MEBIBYTE + 1)).status_code == 413


@pytest.mark.parametrize("path", ["/v2/models/churn/infer", "/v2/models/churn/versions/1/infer"])
def test_the_open_inference_protocol_predicts(client: httpx.Client, path: str) -> None:
    inputs = [
        {"name": "age", "datatype": "FP64", "shape": [1], "data": [20]},
        {"name": "plan", "datatype": "BYTES", "shape": [1], "data": ["gold"]},
        {"name": "calls", "datatype": "INT64", "shape": [1], "data": [0]},
    ]
    answer = client.post(path, json={"id": "7", "inputs": inputs}).json()
    assert answer["id"] == "7"
    assert answer["outputs"][0]["data"] == ["Yes"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"live": True, "ready": True}),
        ("/v2/models/churn/ready", {"name": "churn", "ready": True}),
        ("/v2/models/churn/versions/1/ready", {"name": "churn", "ready": True}),
        ("/healthz", {"status": "ok", "package": "churn", "version": 1}),
    ],
)
def test_probes_answer_with_what_their_readers_expect(
    client: httpx.Client, path: str, expected: dict[str, object]
) -> None:
    assert client.get(path).json() == expected


def test_the_server_and_the_model_describe_themselves(client: httpx.Client) -> None:
    assert client.get("/v2").json().keys() == {"name", "version", "extensions"}
    assert client.get("/v2/models/churn").json()["versions"] == ["1"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/churn/versions/2", "/v2/models/other/ready"])
def test_another_model_is_not_served(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "churn version 1 is" in answer.json()["error"]


def test_a_bad_inference_request_is_400_with_a_text(client: httpx.Client) -> None:
    answer = client.post("/v2/models/churn/infer", json={"inputs": []})
    assert answer.status_code == 200
    answer = client.post(
        "/v2/models/churn/infer",
        json={"inputs": [{"name": "age", "datatype": "FP64", "shape": [1], "data": ["x"]}]},
    )
    assert answer.status_code == 400
    assert "field age" in answer.json()["error"]


def test_feedback_is_accepted_and_unknown_outcomes_are_422(client: httpx.Client) -> None:
    name = client.post("/predict", json=ROW).json()["predictions"][0]["id"]
    assert client.post("/feedback", json={"id": name, "outcome": "No"}).json() == {"accepted": 1}
    refused = client.post("/feedback", json={"id": name, "outcome": "Maybe"})
    assert refused.status_code == 422
    assert refused.json()["error"]["allowed"] == ["No", "Yes"]


def test_a_path_or_a_verb_that_is_not_served_is_an_error_like_any_other(client: httpx.Client) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "request.path")
    answer = client.delete("/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"] == {"code": "request.verb", "seen": "DELETE is not for here.", "allowed": ["POST"]}


def test_requests_are_counted_by_route_and_status(client: httpx.Client) -> None:
    def count(route: str, status: int) -> float:
        name = f'millrace_requests_total{{route="{route}",status="{status}"}} '
        lines = client.get("/metrics").text.splitlines()
        return next((float(line.removeprefix(name)) for line in lines if line.startswith(name)), 0.0)

    before = count("/predict", 200), count("unknown", 404)
    client.post("/predict", json=ROW)
    client.get("/some/random/path")
    assert (count("/predict", 200), count("unknown", 404)) == (before[0] + 1, before[1] + 1)


def test_openapi_describes_this_packages_rows(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()
    row = description["components"]["schemas"]["Row"]
    assert row["required"] == ["age"]
    assert row["properties"]["age"]["type"] == "number"
    assert row["properties"]["plan"]["type"] == ["string", "null"]
    assert "gold, basic" in row["properties"]["plan"]["description"]
    example = description["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/predict", json=example).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_no_other_server(client: httpx.Client, path: str) -> None:
    page = client.get(path).text
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "https://" not in page


def test_the_form_knows_the_fields(client: httpx.Client) -> None:
    page = client.get("/").text
    model = json.loads(page.split("const model = ", 1)[1].split(";\n", 1)[0])
    assert [field["name"] for field in model["inputs"]] == ["age", "plan", "calls"]
