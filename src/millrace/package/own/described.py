"""A signature that its owner writes down, for a graph that cannot say it.

::

    task: binary                       # or multiclass, regression
    target: churn
    inputs: {age: number, plan: category, calls: {type: integer, required: true}}
    classes: ["no", "yes"]             # in the order of the graph's probabilities; the second is looked for
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from millrace.config.tree import parse
from millrace.errors import UsageError
from millrace.records.signature import Field, FieldType, Signature, Task

_EXAMPLE = "task: binary, target: churn, inputs: {age: number, plan: category}, classes: [no, yes]"


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    type: FieldType
    required: bool = False
    categories: list[str] = []
    low: float | None = None
    high: float | None = None


class _Described(msgspec.Struct, forbid_unknown_fields=True):
    task: Task
    target: str
    inputs: dict[str, FieldType | _Input]
    classes: list[str | int | bool] = []


def described(path: str | Path) -> Signature:
    """The signature in a YAML or JSON file. Raises `UsageError` saying what does not fit."""
    where = str(path)
    try:
        given = msgspec.convert(parse(Path(path).read_text(encoding="utf-8"), where, {}).value, _Described)
    except (OSError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _unfit(where, str(error)) from error
    classes = tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in given.classes)
    needed = {"regression": len(classes) == 0, "binary": len(classes) == 2, "multiclass": len(classes) > 2}
    if not needed[given.task] or len(set(classes)) != len(classes):
        raise _unfit(where, f"`classes` names {len(classes)} for the task {given.task}")
    if not given.inputs:
        raise _unfit(where, "`inputs` names no column")
    fields = tuple(_field(name, one) for name, one in given.inputs.items())
    return Signature(given.task, given.target, fields, classes, classes[1] if given.task == "binary" else None)


def _field(name: str, one: Any) -> Field:
    if isinstance(one, str):
        return Field(name, one)  # type: ignore[arg-type]  # checked by msgspec
    return Field(name, one.type, one.required, tuple(one.categories), one.low, one.high)


def _unfit(where: str, seen: str) -> UsageError:
    return UsageError(
        f"The signature cannot be read: {seen.rstrip('.')}.",
        where=where,
        code="package.described",
        allowed=[_EXAMPLE],
    )
