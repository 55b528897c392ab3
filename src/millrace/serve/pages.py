"""What a server shows: its OpenAPI description, a page that reads it, and a form for people. All from the signature."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from millrace import __version__
from millrace.inference.columns import ALLOWED
from millrace.records.package import Manifest
from millrace.records.signature import Field, FieldType, Signature

_TYPES: dict[FieldType, dict[str, object]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "category": {"type": "string"},
    "text": {"type": "string"},
}


_RETRY_AFTER: dict[str, object] = {
    "Retry-After": {"description": "seconds after which to try again", "schema": {"type": "integer"}}
}
#: What a path answers that asks for an access key, or counts its clients, where the server's settings say so.
_GUARDED: dict[str, object] = {
    "401": {
        "description": "there is no access key, or it is unknown or revoked",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    "403": {"description": "the access key is good for other things"},
    "429": {"description": "this client asks too often", "headers": _RETRY_AFTER},
}
_ACCESS_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "a key of `millrace key create`; needed where the server is set to ask for keys",
}


def form(manifest: Manifest) -> str:
    """A page where a person fills in one row and reads the answer."""
    signature = manifest.signature
    content = {
        "package": manifest.name,
        "version": manifest.version,
        "target": signature.target,
        "task": signature.task,
        "classes": signature.classes,
        "positive": signature.positive,
        "inputs": signature.inputs,
    }
    # A `<` could end the script element it stands in.
    return _page("form.html").replace("{/*MODEL*/}", msgspec.json.encode(content).decode().replace("<", "\\u003c"))


def docs() -> str:
    """A page that shows ``/openapi.json`` without needing any other server."""
    return _page("docs.html")


def openapi(manifest: Manifest) -> dict[str, object]:
    """The server's description for tools: paths, and schemas of rows and answers as this package has them."""
    signature = manifest.signature
    example = {field.name: field.example for field in signature.inputs if field.example is not None}
    rows: dict[str, object] = {"oneOf": [_rows_object(), {"type": "array", "items": _ref("Row")}, _ref("Row")]}
    predict = _operation("Predict rows", rows, _ref("Answer"), example={"rows": [example]})
    predict["parameters"] = [_CONFORMAL, _EXPLAIN, *_WHO]
    feedback = _operation(
        "Report what turned out true",
        {"oneOf": [_ref("Outcome"), {"type": "array", "items": _ref("Outcome")}]},
        {"type": "object", "properties": {"accepted": {"type": "integer"}}},
    )
    model = f"/v2/models/{manifest.name}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{manifest.name}: {signature.target}",
            "version": str(manifest.version),
            "description": f"Predicts {signature.target} ({signature.task}). Served by Millrace {__version__}.",
        },
        "paths": {
            "/predict": {"post": predict},
            "/feedback": {"post": feedback},
            "/healthz": {"get": _plain("Whether the server answers, and with which package")},
            "/metrics": {"get": _plain("Counts for Prometheus", guarded=True)},
            "/v2": {"get": _plain("Open Inference Protocol: the server", guarded=True)},
            "/v2/health/live": {"get": _plain("Open Inference Protocol: alive")},
            "/v2/health/ready": {"get": _plain("Open Inference Protocol: ready")},
            model: {"get": _plain("Open Inference Protocol: the model's tensors", guarded=True)},
            f"{model}/ready": {"get": _plain("Open Inference Protocol: the model is ready")},
            f"{model}/infer": {
                "post": _operation("Open Inference Protocol: predict", {"type": "object"}, {"type": "object"})
            },
        },
        # Either a key or none: which it is, the server's settings say.
        "security": [{"accessKey": []}, {}],
        "components": {
            "securitySchemes": {"accessKey": _ACCESS_KEY},
            "schemas": {"Row": _row(signature), "Answer": _answer(signature), "Outcome": _outcome(signature)},
        },
    }


def _page(name: str) -> str:
    return files("millrace.serve").joinpath("pages_html", name).read_text(encoding="utf-8")


def _row(signature: Signature) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in signature.inputs},
        "required": [field.name for field in signature.inputs if field.required],
    }


def _property(field: Field) -> dict[str, object]:
    schema = dict(_TYPES[field.type])
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    seen = ""
    if field.categories:
        seen = f"; seen in training: {', '.join(field.categories[:20])}"
    elif field.low is not None and field.high is not None and field.type in {"number", "integer"}:
        seen = f"; seen in training: {field.low:g} to {field.high:g}"
    schema["description"] = f"{ALLOWED[field.type]}{seen}"
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema


_CONFORMAL = {
    "name": "conformal",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "also say what else may be true: sets of classes or intervals, and expected costs",
}


_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "also say what moved each answer: by how much it differs from the answer without each field",
}
_WHO = [
    {
        "name": "Millrace-Key",
        "in": "header",
        "schema": {"type": "string"},
        "description": "who asks: the same key meets the same model while another is tried",
    },
    {
        "name": "Millrace-Model",
        "in": "header",
        "schema": {"type": "string"},
        "description": "the model asked for: champion, challenger, shadow or a version",
    },
]


def _answer(signature: Signature) -> dict[str, object]:
    prediction: dict[str, object] = {"id": {"type": "string", "description": "names this prediction in feedback"}}
    if signature.classes:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        prediction["label"] = {"type": "string", "enum": list(signature.classes)}
        prediction["probability"] = share | {"description": "of the label"}
        prediction["probabilities"] = {"type": "object", "properties": dict.fromkeys(signature.classes, share)}
        prediction["set"] = {"type": "array", "items": {"type": "string", "enum": list(signature.classes)}}
        amount = {"type": "number"}
        prediction["expected_costs"] = {"type": "object", "properties": dict.fromkeys(signature.classes, amount)}
    else:
        prediction |= {name: {"type": "number"} for name in ("value", "lower", "upper")}
    moved = {field.name: {"type": "number"} for field in signature.inputs}
    prediction["moved_by"] = {"type": "object", "properties": moved}
    properties = {
        "predictions": {"type": "array", "items": {"type": "object", "properties": prediction}},
        "package": {"type": "string"},
        "version": {"type": "integer"},
        "coverage": {"type": "number", "description": "how often the truth is inside, with `conformal`"},
    }
    return {"type": "object", "properties": properties}


def _outcome(signature: Signature) -> dict[str, object]:
    outcome: dict[str, object] = {"enum": list(signature.classes)} if signature.classes else {"type": "number"}
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "outcome": outcome},
        "required": ["id", "outcome"],
    }


def _rows_object() -> dict[str, object]:
    rows = {"type": "array", "items": _ref("Row")}
    return {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}


def _operation(
    summary: str, body: dict[str, object], answer: dict[str, object], example: object = None
) -> dict[str, object]:
    content: dict[str, object] = {"schema": body}
    if example is not None:
        content["example"] = example
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": answer}}},
            "400": {"description": "the body is not what this path takes"},
            "408": {"description": "the body did not arrive in time"},
            "413": {"description": "the body is too large"},
            "422": {"description": "a value does not fit; the error names its row and field"},
            "503": {
                "description": "too many requests wait, or the log cannot be written",
                "headers": _RETRY_AFTER,
            },
            **_GUARDED,
        },
    }


def _plain(summary: str, *, guarded: bool = False) -> dict[str, object]:
    """A path that takes no body; one that is not `guarded` needs no access key."""
    responses: dict[str, object] = {"200": {"description": "done"}}
    return (
        {"summary": summary, "responses": responses | _GUARDED}
        if guarded
        else {
            "summary": summary,
            "responses": responses,
            "security": [],
        }
    )


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{name}"}
