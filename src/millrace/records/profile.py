"""What the rows behind a package looked like, in little: a few numbers per column, no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Written into every profile; readers accept every older one.
FORMAT = 1

#: What the model said, as columns: its label, the probability of it (binary: of the positive class), or its value.
LABEL, PROBABILITY, VALUE = "(label)", "(probability)", "(value)"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: how many rows, how many of them missing, and the others counted in cells.

    number: ``len(edges) + 1`` cells; cell j counts ``edges[j-1] <= value < edges[j]``, so the first cell lies below
    the reference's smallest value and the last beyond its largest. A value that many rows share has a cell of its own.
    text: the same, of the number of characters.
    category: ``len(values) + 1`` cells: one for each value of the reference, most frequent first, then all others.
    `strangers` are the alphabetically first few of those others.

    `finite`, `mean` and `m2` (the sum of squared deviations) are those of the finite numbers (up to
    1e150 in size, so that squares are finite); `low` and `high` too, None where there is none.
    """

    kind: Literal["number", "category", "text"]
    rows: int
    missing: int
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    finite: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float | None = None
    high: float | None = None

    @property
    def present(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing

    @property
    def deviation(self) -> float:
        """The standard deviation of the finite numbers."""
        return (self.m2 / self.finite) ** 0.5 if self.finite else 0.0


@dataclass(frozen=True, slots=True)
class Dependence:
    """How many rows stand for one independent row, at least 1, and from how many blocks that is known.

    `blocks` None: the rows are taken as independent.
    """

    inflation: float = 1.0
    blocks: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnDependence:
    """How much the rows of a column depend on those before: what they hold, and whether they hold anything."""

    values: Dependence = Dependence()
    missing: Dependence = Dependence()


@dataclass(frozen=True, slots=True)
class Profile:
    """The columns of some rows; profiles with the same cells can be merged.

    What the model said is a column too: `LABEL` and `PROBABILITY`, or `VALUE`.
    """

    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    format: int = FORMAT
