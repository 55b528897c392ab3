"""What a path of a server's OpenAPI description takes and answers, errors included."""

from __future__ import annotations

from collections.abc import Mapping

from millrace.serve.json_schema import Json, ref

JSON, CSV = "application/json", "text/csv"
_RETRY_AFTER: Json = {"Retry-After": {"description": "seconds after which to try again", "schema": {"type": "integer"}}}


def with_body(summary: str, taken: Mapping[str, Json], given: Mapping[str, Json], failed: str = "Error") -> Json:
    """A path that takes a body of one of some media types, and answers in the same."""
    responses = {
        "200": {"description": "done", "content": {kind: {"schema": schema} for kind, schema in given.items()}},
        "400": _refusal("the body is not what this path takes", failed),
        "408": _refusal("the body did not arrive in time", failed),
        "413": _refusal("the body is too large", failed),
        "422": _refusal("a value does not fit; the error names its row and field", failed),
        "503": _refusal("too many requests wait, or the log cannot be written", failed) | {"headers": _RETRY_AFTER},
        **_guarded(),
    }
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": dict(taken)},
        "responses": responses,
    }


def without_body(summary: str, schema: Json | None, *, kind: str = JSON, open_to_all: bool = False) -> Json:
    """A path that takes no body; one that is `open_to_all` needs no access key."""
    answer: Json = {"description": "done"}
    if schema is not None:
        answer["content"] = {kind: {"schema": schema}}
    responses = {"200": answer} if open_to_all else {"200": answer, **_guarded()}
    return {"summary": summary, "responses": responses} | ({"security": []} if open_to_all else {})


def _guarded() -> Json:
    """What a path answers that asks for an access key, or counts its clients, where the server's settings say so."""
    challenge = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return {
        "401": _refusal("there is no access key, or it is unknown or revoked") | {"headers": challenge},
        "403": _refusal("the access key is good for other things"),
        "429": _refusal("this client asks too often") | {"headers": _RETRY_AFTER},
    }


def _refusal(description: str, schema: str = "Error") -> Json:
    return {"description": description, "content": {JSON: {"schema": ref(schema)}}}
