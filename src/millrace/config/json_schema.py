"""The project file's JSON Schema, generated from the code: editors complete and check with it."""

from __future__ import annotations

from typing import Any

from millrace.config.schema import ProjectSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Stands wherever something else than a text is expected: its value is known only when the file is loaded.
_REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_]"}


def json_schema() -> dict[str, Any]:
    """What a project file may say, as a JSON Schema (draft 2020-12), in the form a user writes it.

    Examples
    --------
    >>> json_schema()["required"]
    ['sources', 'model']
    """
    schema = ProjectSettings.model_json_schema(by_alias=True, mode="validation")
    for section in (schema, *schema["$defs"].values()):
        for name, part in section.get("properties", {}).items():
            section["properties"][name] = _with_reference(part)
    schema["properties"]["sources"]["additionalProperties"] = False
    return {"$schema": DIALECT, **schema, "title": "millrace.yaml"}


def _with_reference(part: dict[str, Any]) -> dict[str, Any]:
    """Let a number, a flag or one of several words come from `${NAME}` too."""
    if "anyOf" in part:
        return {**part, "anyOf": [*part["anyOf"], _REFERENCE]}
    if part.get("type") in {"integer", "number", "boolean"} or "enum" in part:
        told: dict[str, Any] = {key: part[key] for key in ("title", "description", "default") if key in part}
        return {**told, "anyOf": [{key: value for key, value in part.items() if key not in told}, _REFERENCE]}
    return part
