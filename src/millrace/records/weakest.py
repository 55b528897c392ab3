"""Where a model does worst."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.records.metric import Metric


@dataclass(frozen=True, slots=True)
class WeakGroup:
    """Rows with something in common: what it is, how many, their mean loss, and by how much it is above all others'."""

    name: str
    rows: int
    loss: Metric
    excess: Metric


@dataclass(frozen=True, slots=True)
class Weakest:
    """The groups that are surely worse than all other rows, worst first, out of all that were looked at.

    `loss` names what a row's loss is, `mean` is its mean over all rows. The intervals hold for all groups at once.
    """

    loss: str
    mean: float
    looked_at: int
    groups: tuple[WeakGroup, ...] = ()
