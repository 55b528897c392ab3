"""A server's OpenAPI description: every path, and rows and answers as the package that answers has them.

What it says is held against a running server by schemathesis in ``tests/unit/serve/test_openapi.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from millrace import __version__
from millrace.inference.columns import ALLOWED
from millrace.records.package import Manifest
from millrace.records.signature import Field, FieldType, Signature
from millrace.serve import openapi_oip as oip
from millrace.serve.clouds import Paths
from millrace.serve.json_schema import Json, closed, list_of, ref
from millrace.serve.openapi_operations import CSV, JSON, with_body, without_body

_TYPES: Mapping[FieldType, Json] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "category": {"type": "string"},
    "text": {"type": "string"},
}
#: What a model answers is null where it is no finite number, which JSON does not have.
_MAYBE = ["number", "null"]
_ACCESS_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "a key of `millrace key create`; needed where the server is set to ask for keys",
}


def openapi(manifest: Manifest, at: Paths, models: Iterable[str] = ("champion",), *, keyed: bool = False) -> Json:
    """The server's description for tools.

    `at` has the paths at which a cloud looks for it, `models` the names by which a request may ask for a model, and
    a server that is `keyed` answers nobody without an access key.
    """
    signature = manifest.signature
    predict = _predict(manifest, models)
    probe = without_body("Whether the server answers", None, open_to_all=True)
    description = without_body("This description", {"type": "object"})
    paths: dict[str, Json] = {
        "/predict": {"post": predict},
        "/feedback": {"post": _feedback()},
        "/healthz": {
            "get": without_body("Whether the server answers, and with which package", ref("Health"), open_to_all=True)
        },
        "/metrics": {"get": without_body("Counts for Prometheus", {"type": "string"}, kind="text/plain")},
        "/openapi.json": {"get": description},
        "/swagger.json": {"get": description},
        "/": {"get": without_body("A form for people", {"type": "string"}, kind="text/html")},
        "/docs": {"get": without_body("This description for people", {"type": "string"}, kind="text/html")},
    }
    # A cloud may look for both at one path, with different verbs.
    for path in at.predict:
        paths.setdefault(path, {})["post"] = predict
    for path in at.health:
        paths.setdefault(path, {})["get"] = probe
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{manifest.name}: {signature.target}",
            "version": str(manifest.version),
            "description": f"Predicts {signature.target} ({signature.task}). Served by Millrace {__version__}.",
        },
        "paths": paths | oip.paths(manifest),
        "security": [{"accessKey": []}] if keyed else [],
        "components": {
            "securitySchemes": {"accessKey": _ACCESS_KEY},
            "schemas": {
                "Row": _row(signature),
                "Answer": _answer(manifest),
                "Outcome": _outcome(signature),
                "Health": _health(),
                "Error": _error(),
                **oip.schemas(signature),
            },
        },
    }


def _predict(manifest: Manifest, models: Iterable[str]) -> Json:
    example = {field.name: field.example for field in manifest.signature.inputs if field.example is not None}
    rows = {"type": "object", "properties": {"rows": list_of(ref("Row"))}, "required": ["rows"]}
    taken: Json = {
        JSON: {"schema": {"anyOf": [rows, list_of(ref("Row")), ref("Row")]}, "example": {"rows": [example]}},
        CSV: {"schema": {"type": "string"}, "example": ",".join(str(value) for value in example.values())},
    }
    operation = with_body("Predict rows", taken, {JSON: ref("Answer"), CSV: {"type": "string"}})
    operation["parameters"] = list(_parameters(manifest, models))
    return operation


def _parameters(manifest: Manifest, models: Iterable[str]) -> Iterable[Json]:
    said = {"conformal": "also say what else may be true: sets of classes or intervals, and expected costs"}
    if manifest.conformal is None and manifest.evaluation.costs is None:
        said = {}
    said["explain"] = (
        "also say what moved each answer: by how much it differs from the answer without each field; up to 100 rows"
    )
    for name, description in said.items():
        schema = {"type": "boolean", "default": False}
        yield {"name": name, "in": "query", "schema": schema, "description": description}
    who: Json = {"name": "Millrace-Key", "in": "header", "schema": {"type": "string"}}
    yield who | {"description": "who asks: the same key meets the same model while another is tried"}
    which: Json = {"name": "Millrace-Model", "in": "header", "schema": {"enum": ["", *models]}}
    yield which | {"description": "the model asked for, of those that are served now"}


def _feedback() -> Json:
    taken = {JSON: {"schema": {"anyOf": [ref("Outcome"), list_of(ref("Outcome"))]}}}
    accepted = {"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]}
    return with_body("Report what turned out true", taken, {JSON: accepted})


def _row(signature: Signature) -> Json:
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in signature.inputs},
        "required": [field.name for field in signature.inputs if field.required],
    }


def _property(field: Field) -> Json:
    schema = dict(_TYPES[field.type])
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    elif schema["type"] == "string":
        schema["minLength"] = 1
    seen = ""
    if field.categories:
        seen = f"; seen in training: {', '.join(field.categories[:20])}"
    elif field.low is not None and field.high is not None and field.type in {"number", "integer"}:
        seen = f"; seen in training: {field.low:g} to {field.high:g}"
    schema["description"] = f"{ALLOWED[field.type]}{seen}"
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema


def _answer(manifest: Manifest) -> Json:
    signature = manifest.signature
    prediction: Json = {"id": {"type": "string", "description": "names this prediction in feedback"}}
    if signature.classes:
        share = {"type": _MAYBE, "minimum": 0, "maximum": 1}
        classes = list(signature.classes)
        prediction["label"] = {"type": "string", "enum": classes}
        prediction["probability"] = share | {"description": "of the label"}
        prediction["probabilities"] = _each(classes, share)
        always = list(prediction)
        prediction["set"] = list_of({"type": "string", "enum": classes})
        prediction["expected_costs"] = _each(classes, {"type": _MAYBE})
    else:
        prediction |= {name: {"type": _MAYBE} for name in ("value", "lower", "upper")}
        always = ["id", "value"]
    moved = {field.name: {"type": _MAYBE} for field in signature.inputs}
    prediction["moved_by"] = {"type": "object", "properties": moved, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {
            "predictions": list_of(closed(prediction, always)),
            "package": {"type": "string"},
            "version": {"type": "integer"},
            "coverage": {"type": "number", "description": "how often the truth is inside, with `conformal`"},
        },
        "required": ["predictions", "package", "version"],
        "additionalProperties": False,
    }


def _outcome(signature: Signature) -> Json:
    outcome: Json = {"enum": list(signature.classes)} if signature.classes else {"type": "number"}
    properties = {"id": {"type": "string"}, "outcome": outcome}
    return {"type": "object", "properties": properties, "required": ["id", "outcome"]}


def _health() -> Json:
    properties = {"status": {"const": "ok"}, "package": {"type": "string"}, "version": {"type": "integer"}}
    return closed(properties)


def _error() -> Json:
    error = {
        "code": {"type": "string", "description": "what is wrong, for programs"},
        "row": {"type": ["integer", "null"]},
        "field": {"type": ["string", "null"]},
        "seen": {"type": "string", "description": "what is wrong, for people"},
        "allowed": list_of({"type": "string"}),
    }
    return closed({"error": closed(error, ["code", "seen"])})


def _each(names: list[str], schema: Json) -> Json:
    """An object that has exactly these names."""
    return closed(dict.fromkeys(names, schema))
