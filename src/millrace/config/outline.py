"""Which keys are allowed where in a project file, read from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from millrace.config.json_schema import json_schema

Path = tuple[str | int, ...]


def allowed_keys(path: Path) -> dict[str, str]:
    """The keys that the section at `path` may have, each with its description; empty where keys are free.

    Examples
    --------
    >>> list(allowed_keys(("retrain",)))
    ['when', 'rows', 'cost', 'cooldown', 'approval', 'stages', 'hold']
    """
    root = json_schema()
    places = list(_branches(root, root))
    for part in path:
        places = [deeper for place in places for child in _children(place, part) for deeper in _branches(child, root)]
    names = {}
    for place in places:
        for name, child in place.get("properties", {}).items():
            names[name] = str(child.get("description", ""))
        keys = place.get("propertyNames", {})
        for name in keys.get("enum", [keys["const"]] if "const" in keys else []):
            names[name] = ""
    return names


def _branches(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`schema` with its reference followed and its alternatives apart."""
    if "$ref" in schema:
        yield from _branches(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
        return
    yield schema
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _branches(branch, root)


def _children(schema: dict[str, Any], part: str | int) -> Sequence[dict[str, Any]]:
    if isinstance(part, int):
        return [schema["items"]] if "items" in schema else []
    if part in schema.get("properties", {}):
        return [schema["properties"][part]]
    values = schema.get("additionalProperties")
    return [*([values] if isinstance(values, dict) else []), *schema.get("patternProperties", {}).values()]
