"""The columns that a step of somebody's pipeline takes and gives, as values of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from onnx import TensorProto

from millrace.errors import PackageError
from millrace.package.encoders.base import Part, columns
from millrace.package.nodes import Nodes


@dataclass(frozen=True, slots=True)
class Column:
    """Column `place` of the value `value` ``[rows, of]``, string where `text`, else float64."""

    value: str
    place: int
    of: int
    text: bool
    name: str


@dataclass(frozen=True, slots=True)
class Traced:
    """One step as it was written: what it took and what it gave."""

    path: str
    step: Any
    taken: tuple[Column, ...]
    given: tuple[Column, ...]


@dataclass(slots=True)
class Writing:
    """A graph of somebody's pipeline while it is written.

    `traces` has each step in the order of its writing; `caveats` what a reader of the card should know.
    """

    nodes: Nodes
    traces: list[Traced] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)

    def matrix(self, taken: Sequence[Column], path: str) -> str:
        """The columns side by side, ``[rows, len(taken)]``. Raises `PackageError` when texts stand among numbers."""
        if len({column.text for column in taken}) > 1:
            mixed = ", ".join(column.name for column in taken)
            raise refuse(path, f"it takes texts and numbers side by side ({mixed})")
        parts = []
        for value, group in groupby(taken, key=lambda column: column.value):
            own = list(group)
            parts.append(columns(self.nodes, value, [column.place for column in own], own[0].of))
        return parts[0] if len(parts) == 1 else self.nodes.add("Concat", *parts, axis=1)


def numbered(value: str, width: int, name: str, *, text: bool = False) -> tuple[Column, ...]:
    """All columns of a value."""
    return tuple(Column(value, place, width, text, f"{name} {place}") for place in range(width))


def refuse(path: str, reason: str) -> PackageError:
    """The error of a step that cannot be written as a graph."""
    return PackageError(
        f"Step {path} cannot be written as a graph: {reason}. No package was written.",
        where="package",
        code="package.not-exportable",
        next_step="replace the step, or export the model to ONNX yourself and use millrace package import",
    )


class Given:
    """A matrix that is there already, as `package.estimators` want one: float64, or float32 where `single`."""

    lookups: tuple[()] = ()

    def __init__(self, nodes: Nodes, value: str, width: int, *, single: bool) -> None:
        self.nodes = nodes
        self.width = width
        taken = nodes.add("Cast", value, to=TensorProto.FLOAT) if single else value
        self.numeric = self.whole = Part(taken, tuple(range(width)))
        self.ordered = taken

    @property
    def rows(self) -> str:
        """How many rows there are, int64 ``[1]``."""
        return self.nodes.add("Shape", self.ordered, start=0, end=1)
