"""The Open Inference Protocol over gRPC, asked by a client that is made from the protocol's own text."""

import json
import os
import socket
import struct
import subprocess

import pytest

import tiny_package
from millrace.inference.model import Model
from millrace.serve.access import Access, Guard
from millrace.serve.core import Core
from millrace.serve.oip_messages import messages
from millrace.serve.rate import Rate
from millrace.store.key_book import KeyBook
from millrace.store.keys import KeyRing
from millrace.store.objects import Store
from serving import serving

grpc = pytest.importorskip("grpc", reason="the extra `grpc` is not installed")

from millrace.serve.grpc_server import GrpcServer  # noqa: E402 - needs the library
from millrace.serve.rows import predict  # noqa: E402 - as above


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """Sends messages of the protocol and gives their answers."""

    def __init__(self, port):
        self.made = messages()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def ask(self, method, metadata=(), **fields):
        call = self.channel.unary_unary(
            f"/inference.GRPCInferenceService/{method}",
            request_serializer=self.made[f"{method}Request"].SerializeToString,
            response_deserializer=self.made[f"{method}Response"].FromString,
        )
        return call(self.made[f"{method}Request"](**fields), timeout=20, metadata=metadata)


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(Model.open(tiny_package.publish_tiny(Store(tmp_path_factory.mktemp("store"))).path))


@pytest.fixture(scope="module")
def client(core):
    port = free_port()
    with GrpcServer(core, f"127.0.0.1:{port}", None, body=1 << 20, queue=16):
        yield Client(port)


AGE = {"name": "age", "datatype": "FP64", "shape": [2], "contents": {"fp64_contents": [20.0, 60.0]}}
PLAN = {"name": "plan", "datatype": "BYTES", "shape": [2], "contents": {"bytes_contents": [b"gold", b"basic"]}}
CALLS = {"name": "calls", "datatype": "INT64", "shape": [2, 1], "contents": {"int64_contents": [3, 2]}}


def floats(raw):
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def test_the_six_calls_of_the_protocol_are_answered(client):
    assert client.ask("ServerLive").live
    assert client.ask("ServerReady").ready
    assert client.ask("ModelReady", name="churn").ready
    assert not client.ask("ModelReady", name="churn", version="7").ready
    assert client.ask("ServerMetadata").name == "millrace"
    said = client.ask("ModelMetadata", name="churn", version="1")
    assert [(one.name, one.datatype, list(one.shape)) for one in said.inputs] == [
        ("age", "FP64", [-1]),
        ("plan", "BYTES", [-1]),
        ("calls", "INT64", [-1]),
    ]
    assert (said.name, list(said.versions), said.platform) == ("churn", ["1"], "onnx_onnxv1")


def test_an_answer_is_that_of_http(client, core):
    said = client.ask("ModelInfer", model_name="churn", id="q7", inputs=[AGE, PLAN, CALLS])
    outputs = dict(zip((one.name for one in said.outputs), said.raw_output_contents, strict=True))
    rows = [{"age": 20.0, "plan": "gold", "calls": 3}, {"age": 60.0, "plan": "basic", "calls": 2}]
    expected = [one["probabilities"] for one in json.loads(predict(core, json.dumps(rows).encode()))["predictions"]]
    assert said.id == "q7"
    assert said.model_version == "1"
    assert floats(outputs["probabilities"]) == pytest.approx([one[name] for one in expected for name in ("No", "Yes")])
    assert outputs["label"] == struct.pack("<I", 3) + b"Yes" + struct.pack("<I", 2) + b"No"


def test_raw_contents_mean_the_same_and_missing_is_nan(client):
    raw = [struct.pack("<2d", 20.0, 60.0), b"\x04\0\0\0gold\0\0\0\0", struct.pack("<2d", float("nan"), 2.0)]
    bare = [{name: one[name] for name in ("name", "datatype", "shape")} for one in (AGE, PLAN, CALLS)]
    bare[2]["datatype"] = "FP64"
    wanted = [{"name": "probabilities"}]
    said = client.ask("ModelInfer", model_name="churn", inputs=bare, raw_input_contents=raw, outputs=wanted)
    assert [one.name for one in said.outputs] == ["probabilities"]
    # The sigmoid of 2 - 20/10, the missing calls counting as 0, and of 2 - 60/10.
    assert floats(said.raw_output_contents[0])[1::2] == pytest.approx([0.5, 0.01798621], rel=1e-5)


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"model_name": "other", "inputs": [AGE]}, "NOT_FOUND", "other is not served here; churn version 1 is"),
        ({"model_name": "churn", "model_version": "9"}, "NOT_FOUND", "churn version 9"),
        ({"model_name": "churn", "inputs": [AGE | {"shape": [3]}]}, "INVALID_ARGUMENT", "where its shape says 3"),
        ({"model_name": "churn", "inputs": [AGE | {"datatype": "FP16"}]}, "INVALID_ARGUMENT", "raw alone"),
        ({"model_name": "churn", "inputs": [AGE], "raw_input_contents": [b""]}, "INVALID_ARGUMENT", "raw contents"),
        ({"model_name": "churn", "inputs": [PLAN]}, "INVALID_ARGUMENT", "age: It is missing"),
        ({"model_name": "churn", "inputs": [AGE], "outputs": [{"name": "x"}]}, "INVALID_ARGUMENT", "no output x"),
        (
            {"model_name": "churn", "inputs": [{"name": "plan", "datatype": "BYTES", "shape": [1]}],
             "raw_input_contents": [b"\x09\0\0\0go"]},
            "INVALID_ARGUMENT",
            "cut off",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_gets_the_protocols_status_and_words(fields, code, words, client):
    with pytest.raises(grpc.RpcError) as caught:
        client.ask("ModelInfer", **fields)
    assert caught.value.code().name == code
    assert words in caught.value.details()


def test_access_keys_and_rates_hold_here_too(core, tmp_path):
    store = Store(tmp_path)
    secret = KeyBook(store, str).create("shop").secret
    ring = KeyRing(store)
    ring.refresh()
    port = free_port()
    with GrpcServer(core, f"127.0.0.1:{port}", Access(Guard(ring, None, "churn"), Rate(2.0)), body=1 << 20, queue=16):
        client = Client(port)
        assert client.ask("ServerLive").live
        with pytest.raises(grpc.RpcError, match="no access key"):
            client.ask("ModelMetadata", name="churn")
        key = (("authorization", f"Bearer {secret}"),)
        assert client.ask("ModelMetadata", key, name="churn").name == "churn"
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            [client.ask("ModelMetadata", key, name="churn") for _ in range(20)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    store = tmp_path_factory.mktemp("served")
    tiny_package.publish_tiny(Store(store))
    port = free_port()
    with serving(store, version=1, settings=json.dumps({"port": 0, "grpc": port, "workers": 2})) as running:
        yield running, port


def test_a_running_server_answers_over_grpc_from_every_worker(server):
    client = Client(server[1])
    assert client.ask("ModelInfer", model_name="churn", inputs=[AGE, PLAN, CALLS]).model_version == "1"


TRITON = """
import sys
import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http

for library, address in ((over_http, sys.argv[1]), (over_grpc, sys.argv[2])):
    client = library.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("churn")
    inputs = []
    for name, kind, values in (
        ("age", "FP64", np.array([20.0, 60.0])),
        ("plan", "BYTES", np.array(["gold", "basic"], object)),
        ("calls", "INT64", np.array([3, 2])),
    ):
        tensor = library.InferInput(name, [2], kind)
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    said = client.infer("churn", inputs, request_id="q1")
    assert said.as_numpy("label").tolist() in (["Yes", "No"], [b"Yes", b"No"])
    np.testing.assert_allclose(said.as_numpy("probabilities")[:, 1], [0.95257413, 0.01798621], rtol=1e-5)
    try:
        client.infer("churn", inputs[1:])
    except library.InferenceServerException as error:
        assert "age" in str(error)
    else:
        raise AssertionError("a missing input was taken")
print("answered")
"""

MLSERVER = """
import json, sys, urllib.request
from mlserver import types

def get(path):
    return urllib.request.urlopen(f"http://{sys.argv[1]}{path}").read()

types.MetadataServerResponse.model_validate_json(get("/v2"))
types.MetadataModelResponse.model_validate_json(get("/v2/models/churn"))
asked = types.InferenceRequest(id="q2", inputs=[
    types.RequestInput(name="age", shape=[1], datatype="FP64", data=[20.0]),
    types.RequestInput(name="plan", shape=[1], datatype="BYTES", data=["gold"]),
])
body = asked.model_dump_json(exclude_none=True).encode()
said = urllib.request.urlopen(f"http://{sys.argv[1]}/v2/models/churn/infer", body).read()
answer = types.InferenceResponse.model_validate_json(said)
assert answer.id == "q2" and answer.model_name == "churn"
assert {one.name for one in answer.outputs} == {"label", "probabilities", "prediction_id"}
print("answered")
"""


@pytest.mark.parametrize(
    ("script", "module"), [(TRITON, "tritonclient"), (MLSERVER, "mlserver")], ids=["tritonclient", "mlserver"]
)
def test_clients_that_others_wrote_are_answered(script, module, server):
    """MILLRACE_CLIENTS names a Python that has tritonclient[http,grpc] and mlserver: their protobuf is not ours."""
    python = os.environ.get("MILLRACE_CLIENTS", "")
    if not python or subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode:
        pytest.skip(f"MILLRACE_CLIENTS names no Python with {module}")
    running, port = server
    address = running.url.removeprefix("http://")
    done = subprocess.run(
        [python, "-W", "error::RuntimeWarning", "-c", script, address, f"127.0.0.1:{port}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "answered\n", done.stderr
