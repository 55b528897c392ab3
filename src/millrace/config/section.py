"""What every section of the project file is made of: the base class, and the types that several sections share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, WithJsonSchema

from millrace.config.refusal import read_by
from millrace.config.units import DURATION, TRIALS, Trials, budget, seconds
from millrace.errors import ProjectFileError

Scalar = str | int | float | bool


def _not_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ProjectFileError("A whole number is expected, not true or false.", code="config.type")
    return value


def _worded(value: object) -> object:
    """Numbers and flags as they are written in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Whole = Annotated[int, read_by(_not_boolean)]
Duration = Annotated[
    float,
    read_by(seconds),
    Field(gt=0),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": DURATION}]}),
]
#: Seconds, possibly none.
Age = Annotated[
    float,
    read_by(seconds),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION}]}),
]
#: Seconds, or a number of trials.
Budget = Annotated[
    float | Trials,
    read_by(budget),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": DURATION},
                {"type": "string", "pattern": TRIALS},
            ]
        }
    ),
]
Name = Annotated[str, Field(min_length=1)]
#: A text that is never shown, as it may come from `${NAME}`; numbers and flags are taken as written.
Secret = Annotated[
    SecretStr,
    read_by(_worded),
    WithJsonSchema({"anyOf": [{"type": name} for name in ("string", "number", "boolean")]}),
]


class Section(BaseModel):
    """A part of the project file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def secrets_in(section: object) -> Iterator[str]:
    """Every secret text in a section, however deep."""
    if isinstance(section, SecretStr):
        yield section.get_secret_value()
    elif isinstance(section, BaseModel):
        for name in type(section).model_fields:
            yield from secrets_in(getattr(section, name))
    elif isinstance(section, dict):
        for value in section.values():
            yield from secrets_in(value)
