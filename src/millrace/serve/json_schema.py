"""Words of JSON Schema that a description of a server is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def ref(name: str) -> Json:
    """Where a schema of the same document stands."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(items: Json) -> Json:
    """A list of such things."""
    return {"type": "array", "items": items}


def closed(properties: Json, required: Sequence[str] | None = None) -> Json:
    """An object with these properties and no other; all of them are `required` unless some are named.

    Examples
    --------
    >>> closed({"live": {"type": "boolean"}})["required"]
    ['live']
    """
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
