"""The Open Inference Protocol, version 2, over JSON: one named tensor per field of the signature.

number is FP64, integer INT64, boolean BOOL, everything else BYTES (dates as ISO 8601 texts); each of shape ``[n]`` or
``[n, 1]``. Narrower numeric datatypes are taken too; null in ``data`` means missing. Answers are ``label`` BYTES
``[n]`` and ``probabilities`` FP32 ``[n, classes]``, or ``value`` FP32 ``[n]``, and ``prediction_id`` BYTES ``[n]``.
Protocol: https://github.com/kserve/open-inference-protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from millrace.errors import RequestError
from millrace.records.fit import Answer
from millrace.records.signature import Field, FieldType, Signature
from millrace.serve.core import Core
from millrace.serve.lanes import ANYONE, Asker, Lanes, Loaded
from millrace.serve.oip_tensors import unpacked
from millrace.serve.shapes import MalformedError

_WHOLE = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
#: What a field may come as; the first is what the metadata says.
DATATYPES: Mapping[FieldType, tuple[str, ...]] = {
    "number": ("FP64", "FP32", *_WHOLE),
    "integer": (*_WHOLE, "FP64", "FP32"),
    "boolean": ("BOOL", *_WHOLE),
    "date": ("BYTES",),
    "datetime": ("BYTES",),
    "category": ("BYTES", "BOOL", *_WHOLE),
    "text": ("BYTES",),
}


class Tensor(msgspec.Struct):
    """One input of a request."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = None
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct):
    """One output a request asks for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct):
    """The body of an ``infer`` request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] = []


def model_metadata(loaded: Loaded) -> dict[str, object]:
    """What the model takes and gives."""
    manifest = loaded.model.manifest
    signature = manifest.signature
    return {
        "name": manifest.name,
        "versions": [str(manifest.version)],
        "platform": "onnx_onnxv1",
        "inputs": [_meta(field.name, DATATYPES[field.type][0], [-1]) for field in signature.inputs],
        "outputs": [
            _meta(name, datatype, [-1, *(len(signature.classes),) * (name == "probabilities")])
            for name, datatype in outputs(signature).items()
        ],
    }


def infer(core: Core, body: bytes, asker: Asker = ANYONE, header: int | None = None) -> bytes:
    """Answer one ``infer`` request. Raises `RequestError` for tensors that do not fit the signature.

    With `header` the body is JSON of so many bytes, then the contents of the inputs that have a ``binary_data_size``.
    """
    try:
        request = msgspec.json.decode(body if header is None else body[:header], type=InferRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"The body is not an inference request: {error}", code="request.json") from None
    _take_binary(request, b"" if header is None else body[header:])
    return msgspec.json.encode(answered(core, request, asker))


def _take_binary(request: InferRequest, rest: bytes) -> None:
    """Give each input that came as bytes its values. Raises `RequestError` when there are more or fewer bytes."""
    at = 0
    for tensor in request.inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None and isinstance(tensor.data, list):
            continue
        if not isinstance(size, int) or isinstance(size, bool) or size < 0 or at + size > len(rest):
            seen = f"It has no list of `data`, and its `binary_data_size` is {size} of {len(rest) - at} bytes left."
            raise RequestError(seen, code="request.tensor", field=tensor.name, allowed=["`data`, or so many bytes"])
        tensor.data = unpacked(rest[at : at + size], tensor.datatype, tensor.name)
        at += size
    if at != len(rest):
        raise RequestError(f"{len(rest) - at} bytes follow the last input.", code="request.tensor", allowed=["none"])


def answered(core: Core, request: InferRequest, asker: Asker = ANYONE) -> dict[str, object]:
    """The answer to a request, its outputs with flat ``data``. Raises `RequestError` as `infer` does."""
    return core.steady(lambda lanes: _inferred(core, lanes, request, asker))


def _inferred(core: Core, lanes: Lanes, request: InferRequest, asker: Asker) -> dict[str, object]:
    lane = lanes.lane(asker, lambda field: _first(request, field))
    loaded, manifest = lane.loaded, lane.loaded.model.manifest
    offered = outputs(manifest.signature)
    wanted = [output.name for output in request.outputs] or list(offered)
    if unknown := [name for name in wanted if name not in offered]:
        raise RequestError(f"There is no output {unknown[0]}.", code="request.output", allowed=offered)
    columns = _columns(request, manifest.signature)
    numbers, texts = loaded.reader.from_columns(columns)
    surplus = len(request.inputs) - len(columns)
    answer, ids = core.answer(
        lane, numbers, texts, surplus, again=lambda reader: reader.from_columns(_columns(request, reader.signature))
    )
    data = _data(manifest.signature, answer, ids)
    response: dict[str, object] = {"model_name": manifest.name, "model_version": str(manifest.version)}
    if request.id is not None:
        response["id"] = request.id
    response["outputs"] = [
        {
            **_meta(name, offered[name], [len(ids), *(len(manifest.signature.classes),) * (name == "probabilities")]),
            "data": data[name],
        }
        for name in wanted
    ]
    return response


def _columns(request: InferRequest, signature: Signature) -> dict[str, Any]:
    fields = {field.name: field for field in signature.inputs}
    return {tensor.name: _column(tensor, fields[tensor.name]) for tensor in request.inputs if tensor.name in fields}


def _first(request: InferRequest, field: str) -> object:
    return next((tensor.data[0] for tensor in request.inputs if tensor.name == field and len(tensor.data)), None)


def _column(tensor: Tensor, field: Field) -> Any:
    if tensor.datatype not in DATATYPES[field.type]:
        raise RequestError(
            f"Its datatype is {tensor.datatype}.",
            code="request.datatype",
            field=field.name,
            allowed=DATATYPES[field.type],
        )
    data = tensor.data
    if len(tensor.shape) == 2 and tensor.shape[1] == 1:
        if isinstance(data, list):
            data = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
    elif len(tensor.shape) != 1:
        raise RequestError(
            f"Its shape is {tensor.shape}.", code="request.shape", field=field.name, allowed=["[n]", "[n, 1]"]
        )
    if len(data) != tensor.shape[0]:
        raise RequestError(
            f"It has {len(data)} values where its shape says {tensor.shape[0]}.",
            code="request.shape",
            field=field.name,
        )
    return data


def outputs(signature: Signature) -> dict[str, str]:
    """The tensors that a model gives, with their datatypes."""
    own = {"label": "BYTES", "probabilities": "FP32"} if signature.classes else {"value": "FP32"}
    return own | {"prediction_id": "BYTES"}


def _data(signature: Signature, answer: Answer, ids: list[str]) -> dict[str, list[object]]:
    data: dict[str, list[object]] = {"prediction_id": list(ids)}
    if answer.label is not None and answer.probabilities is not None:
        data["label"] = [signature.classes[label] for label in answer.label.tolist()]
        data["probabilities"] = answer.probabilities.ravel().tolist()
    if answer.value is not None:
        data["value"] = answer.value.ravel().tolist()
    return data


def _meta(name: str, datatype: str, shape: list[int]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape}
