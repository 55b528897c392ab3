"""What calls cost, and what a model costs on rows it never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from millrace.records.metric import Metric


@dataclass(frozen=True, slots=True)
class Costs:
    """`matrix[i][j]` is what it costs to call a row of class i class j, in the order of the signature's classes.

    `mean` is the model's mean cost of a row, `constant` that of always calling one class, by class.
    """

    matrix: tuple[tuple[float, ...], ...]
    mean: Metric
    constant: Mapping[str, Metric]
