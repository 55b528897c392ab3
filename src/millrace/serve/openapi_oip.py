"""The Open Inference Protocol's part of a server's OpenAPI description."""

from __future__ import annotations

from millrace.records.package import Manifest
from millrace.records.signature import Signature
from millrace.serve.json_schema import Json, closed, list_of, ref
from millrace.serve.oip import DATATYPES, outputs
from millrace.serve.openapi_operations import JSON, with_body, without_body


def paths(manifest: Manifest) -> dict[str, Json]:
    """The protocol's paths for one model, with and without its version."""
    live = {"type": "object", "properties": {"live": {"type": "boolean"}}, "required": ["live"]}
    ready = {"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]}
    found: dict[str, Json] = {
        "/v2": {"get": without_body("Open Inference Protocol: the server", ref("OipServer"))},
        "/v2/health/live": {"get": without_body("Open Inference Protocol: alive", live, open_to_all=True)},
        "/v2/health/ready": {"get": without_body("Open Inference Protocol: ready", ready, open_to_all=True)},
    }
    other = {"description": "another version is served", "content": {JSON: {"schema": ref("OipError")}}}
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    model = f"/v2/models/{manifest.name}"
    for prefix, more in ((model, []), (f"{model}/versions/{{version}}", [version])):
        taken = {JSON: {"schema": ref("OipRequest"), "example": _example(manifest.signature)}}
        own = {
            "": {"get": without_body("Open Inference Protocol: the model's tensors", ref("OipModel"))},
            "/ready": {"get": without_body("Open Inference Protocol: the model is ready", ready, open_to_all=True)},
            "/infer": {
                "post": with_body("Open Inference Protocol: predict", taken, {JSON: ref("OipAnswer")}, "OipError")
            },
        }
        for path, operations in own.items():
            for operation in operations.values():
                operation["responses"]["404"] = other
            found[prefix + path] = operations | ({"parameters": more} if more else {})
    return found


def schemas(signature: Signature) -> dict[str, Json]:
    """The shapes that `paths` refers to."""
    text, texts = {"type": "string"}, list_of({"type": "string"})
    shape = list_of({"type": "integer"})
    meta = closed({"name": text, "datatype": text, "shape": shape})
    names = sorted({datatype for field in signature.inputs for datatype in DATATYPES[field.type]})
    given = closed(
        {
            "name": {"enum": list(outputs(signature))},
            "datatype": text,
            "shape": shape,
            "data": {"type": "array", "items": {"type": ["number", "string", "null"]}},
        }
    )
    tensor = {
        "name": {"enum": [field.name for field in signature.inputs]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        "datatype": {"enum": names},
        "data": {"type": "array"},
    }
    asked: Json = {
        "id": text,
        "inputs": {"type": "array", "items": {"type": "object", "properties": tensor, "required": list(tensor)}},
        "outputs": {"type": "array", "items": closed({"name": {"enum": list(outputs(signature))}})},
    }
    answered = {"model_name": text, "model_version": text, "outputs": list_of(given)}
    answer = closed(answered)
    answer["properties"]["id"] = text
    return {
        "OipServer": closed({"name": text, "version": text, "extensions": texts}),
        "OipModel": closed(
            {
                "name": text,
                "versions": texts,
                "platform": text,
                "inputs": list_of(meta),
                "outputs": list_of(meta),
            }
        ),
        "OipRequest": {"type": "object", "properties": asked, "required": ["inputs"]},
        "OipAnswer": answer,
        # What is refused before the protocol is reached is told as everywhere else.
        "OipError": {"anyOf": [closed({"error": text}), ref("Error")]},
    }


def _example(signature: Signature) -> Json:
    given = [field for field in signature.inputs if field.example is not None]
    return {
        "inputs": [
            {"name": field.name, "shape": [1], "datatype": DATATYPES[field.type][0], "data": [field.example]}
            for field in given
        ]
    }
