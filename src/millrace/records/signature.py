"""What a model takes and gives: the contract of a package, a server and a monitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["binary", "multiclass", "regression"]
FieldType = Literal["number", "integer", "boolean", "date", "datetime", "category", "text"]

#: Fields that enter the graph as one float64 matrix: dates as days, datetimes as seconds since 1970, booleans as 0/1.
NUMERIC: frozenset[FieldType] = frozenset({"number", "integer", "boolean", "date", "datetime"})


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a model.

    `low` and `high` bound the values seen in training (in the unit that enters the graph); `categories` are the
    values seen in training, most frequent first; `example` is a typical value. A `category` enters the graph as it
    is, a `text` as its plain words.
    """

    name: str
    type: FieldType
    required: bool = False
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    example: str | float | int | bool | None = None

    @property
    def numeric(self) -> bool:
        """Whether the field enters the graph as a number."""
        return self.type in NUMERIC


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs in order, and what comes out.

    The graph of a package has at most two inputs: ``numbers`` float64 ``[rows, numeric fields]``, missing as NaN, and
    ``texts`` string ``[rows, other fields]``, missing as the empty string. It gives ``label`` int64 ``[rows]`` (an
    index into `classes`) and ``probabilities`` float32 ``[rows, classes]``, or ``value`` float32 ``[rows]`` for
    regression. Beside these it may give ``costs`` float32 ``[rows, classes]``, what each call is expected to cost, and
    what surrounds an answer: ``inside`` bool ``[rows, classes]``, or ``lower`` and ``upper`` float32 ``[rows]``.
    """

    task: Task
    target: str
    inputs: tuple[Field, ...]
    classes: tuple[str, ...] = ()
    positive: str | None = None

    @property
    def numbers(self) -> tuple[Field, ...]:
        """The fields of the ``numbers`` matrix, in its column order."""
        return tuple(field for field in self.inputs if field.numeric)

    @property
    def texts(self) -> tuple[Field, ...]:
        """The fields of the ``texts`` matrix, in its column order."""
        return tuple(field for field in self.inputs if not field.numeric)
