from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from millrace.errors import UsageError
from millrace.serve.clouds import paths, port
from millrace.store.objects import Store
from serving import serving
from tiny_package import publish_tiny

# logit = calls + 2·[plan = gold] - age/10: 0 + 2 - 2 = 0 gives exactly one half, and Yes from there on.
ROW = {"age": 20, "plan": "gold", "calls": 0}
OTHER = {"age": 90, "plan": "basic", "calls": 0}
VERTEX = "/v1/endpoints/7/deployedModels/9:predict"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("served")
    publish_tiny(Store(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIP_ENDPOINT_ID", "7")
        patch.setenv("AIP_DEPLOYED_MODEL_ID", "9")
        with serving(folder, version=1) as server, httpx.Client(base_url=server.url, timeout=10) as client:
            yield client


SHAPES = [
    pytest.param("/invocations", [ROW, OTHER], id="sagemaker-json"),
    pytest.param(VERTEX, {"instances": [ROW, OTHER], "parameters": {}}, id="vertex-objects"),
    pytest.param(VERTEX, {"instances": [[20, "gold", 0], [90, "basic", 0]]}, id="vertex-lists"),
    pytest.param("/score", {"data": [ROW, OTHER]}, id="azure-data"),
    pytest.param(
        "/score",
        {"input_data": {"columns": ["plan", "age", "calls"], "data": [["gold", 20, 0], ["basic", 90, 0]]}},
        id="azure-input-data",
    ),
    pytest.param(
        "/invocations",
        {"dataframe_split": {"index": [0, 1], "columns": ["age", "plan"], "data": [[20, "gold"], [90, "basic"]]}},
        id="mlflow-split",
    ),
    pytest.param("/invocations", {"dataframe_records": [ROW, OTHER]}, id="mlflow-records"),
    pytest.param("/invocations", {"inputs": {"age": [20, 90], "plan": ["gold", None]}}, id="mlflow-inputs"),
    pytest.param("/predict", {"columns": {"age": [20, 90], "plan": ["gold", "basic"]}}, id="columns"),
]


@pytest.mark.parametrize(("path", "body"), SHAPES)
def test_every_dialect_gives_one_prediction_per_row_in_order(client: httpx.Client, path: str, body: object) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 200
    assert [prediction["label"] for prediction in answer.json()["predictions"]] == ["Yes", "No"]


@pytest.mark.parametrize("path", ["/invocations", "/predict"])
@pytest.mark.parametrize("body", ["20,gold,0\n90,basic,\n", "calls,age,plan\r\n0,20,gold\r\n,90,basic\r\n"])
def test_csv_is_answered_with_csv(client: httpx.Client, path: str, body: str) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = [line.split(",") for line in answer.text.splitlines()]
    assert [line[0] for line in lines] == ["Yes", "No"]
    assert [float(cell) for cell in lines[0][1:]] == [0.5, 0.5]


def test_a_cell_that_does_not_fit_is_named(client: httpx.Client) -> None:
    answer = client.post("/invocations", content="20,gold,0\nold,gold,0\n", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 422
    assert (answer.json()["error"]["row"], answer.json()["error"]["field"]) == (1, "age")


@pytest.mark.parametrize("path", ["/ping", "/health", VERTEX])
def test_probes_answer_200_with_an_empty_body(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_unknown_headers_are_ignored(client: httpx.Client) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "c000", "Accept": "*/*"}
    assert client.post("/invocations", json=ROW, headers=headers).status_code == 200


def test_azure_finds_a_description(client: httpx.Client) -> None:
    assert client.get("/swagger.json").json() == client.get("/openapi.json").json()


def test_a_bad_body_is_400_on_every_path(client: httpx.Client) -> None:
    assert {client.post(path, content=b"{").status_code for path in ("/invocations", "/score", VERTEX)} == {400}


def test_vertex_routes_win_over_its_defaults() -> None:
    environment = {
        "AIP_HEALTH_ROUTE": "/well",
        "AIP_PREDICT_ROUTE": "/ask",
        "AIP_ENDPOINT_ID": "7",
        "AIP_DEPLOYED_MODEL_ID": "9",
    }
    assert paths(environment) == (("/ping", "/health", "/well"), ("/invocations", "/score", "/ask"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 8080),
        ({"PORT": "9000"}, 9000),
        ({"AIP_HTTP_PORT": "9001", "PORT": "9000"}, 9001),
        ({"AIP_HTTP_PORT": "", "PORT": "9000"}, 9000),
    ],
)
def test_a_cloud_chooses_the_port(environment: dict[str, str], expected: int) -> None:
    assert port(environment, 8080) == expected


@pytest.mark.parametrize("text", ["http", "65536", "-1"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="PORT"):
        port({"PORT": text}, 8080)
