"""The shapes in which clients send rows, each brought to one: a list of objects from field to value.

JSON, ``…`` being values in the signature's order:

=====================================  =================================================================
a row, ``{field: value}``              one row; a list of rows; ``{"rows": [row]}``
``{"columns": {field: [value]}}``      columns
``{"instances": [row or […]]}``        Vertex AI
``{"dataframe_split": {"columns": [field], "data": [[…]]}}``, ``{"dataframe_records": [row]}``,
``{"inputs": {field: [value]} or [row or […]]}``  MLflow
``{"data": [row or […]]}``, ``{"input_data": {"columns": [field], "data": [[…]]}}``  Azure ML
=====================================  =================================================================

Keys beside these, such as ``parameters``, are ignored. CSV is comma separated UTF-8. Its first line is a header when it
holds more than half of the model's fields; without a header the values stand in the signature's order.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millrace.errors import RequestError
from millrace.records.signature import Field, Signature

_LISTS = ("rows", "instances", "dataframe_records", "inputs", "data")
_TABLES = ("dataframe_split", "input_data")
_COLUMNS = ("columns", "inputs")
_KEYS = frozenset((*_LISTS, *_TABLES, *_COLUMNS))


class MalformedError(RequestError):
    """The bytes of a request are not JSON of the expected shape at all."""

    code = "request.json"


def decoded(body: bytes) -> Any:
    """What a JSON document says. Raises `MalformedError` for anything else."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"The body is not JSON: {error}", code="request.json") from None


def read_rows(signature: Signature, body: bytes) -> list[Any]:
    """The rows of a body, whichever of the shapes above it has. Raises `MalformedError`, and as `rows_of` does."""
    content = decoded(body)
    if isinstance(content, dict | list):
        return rows_of(content, signature)
    allowed = ['{"rows": [{…}, …]}', "[{…}, …]", "{…}"]
    raise MalformedError("The body holds no rows.", code="request.json", allowed=allowed)


def rows_of(content: Mapping[str, Any] | list[Any], signature: Signature) -> list[Any]:
    """The rows of a JSON document, whichever of the shapes above it has.

    Raises `RequestError` for a row of values that is too long or too short, and for ragged columns.

    Examples
    --------
    >>> signature = Signature("regression", "price", (Field("age", "number"), Field("plan", "category")))
    >>> rows_of({"instances": [[41, "gold"]]}, signature)
    [{'age': 41, 'plan': 'gold'}]
    >>> rows_of({"columns": {"age": [41, 42]}}, signature)
    [{'age': 41}, {'age': 42}]
    """
    names = [field.name for field in signature.inputs]
    if isinstance(content, list):
        return _each(content, names)
    if _KEYS.isdisjoint(content):
        return [content]
    for key in _LISTS:
        if isinstance(found := content.get(key), list):
            return _each(found, names)
    for key in _TABLES:
        table = content.get(key)
        if isinstance(table, dict) and isinstance(table.get("data"), list):
            columns = table.get("columns", names)
            return _each(table["data"], columns if _are_names(columns) else names)
    for key in _COLUMNS:
        if isinstance(found := content.get(key), dict):
            return _transposed(found)
    return [content]


def rows_of_csv(body: bytes, signature: Signature) -> list[dict[str, object]]:
    r"""The rows of a CSV document; empty cells are missing.

    Raises `RequestError` for bytes that are not UTF-8 and for lines of another length than the header.

    Examples
    --------
    >>> signature = Signature("regression", "price", (Field("age", "number"), Field("plan", "category")))
    >>> rows_of_csv(b"plan,age\ngold,41\n", signature), rows_of_csv(b"41,\n", signature)
    ([{'plan': 'gold', 'age': 41.0}], [{'age': 41.0, 'plan': None}])
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"The body is not CSV: {error}.", code="request.csv") from None
    fields = {field.name: field for field in signature.inputs}
    header = list(fields)
    if lines and 2 * len(fields.keys() & set(lines[0])) > len(fields):
        header, lines = lines[0], lines[1:]
    rows = _each(lines, header)
    return [{name: _typed(cell, fields.get(name)) for name, cell in row.items()} for row in rows]


def _each(rows: Sequence[Any], names: Sequence[str]) -> list[Any]:
    return [_named(row, names, index) if isinstance(row, list) else row for index, row in enumerate(rows)]


def _named(values: list[Any], names: Sequence[str], row: int) -> dict[str, Any]:
    if len(values) != len(names):
        raise RequestError(
            f"It has {len(values)} values.",
            code="request.length",
            row=row,
            allowed=[f"{len(names)}: {', '.join(names)}"],
        )
    return dict(zip(names, values, strict=True))


def _transposed(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name, values in columns.items():
        length = len(values) if isinstance(values, list) else None
        first = next(iter(columns.values()))
        if length is None or length != len(first):
            seen = "It is not a list." if length is None else f"It has {length} values where another has {len(first)}."
            raise RequestError(seen, code="request.length", field=name, allowed=["lists of one length"])
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _typed(cell: str, field: Field | None) -> object:
    """What a cell means for its field; one that cannot be read stays a text, which the reader then refuses by name."""
    if cell == "":
        return None
    if field is None or not field.numeric or field.type in {"date", "datetime"}:
        return cell
    if field.type == "boolean" and cell.lower() in {"true", "false"}:
        return cell.lower() == "true"
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell
