"""What a metric is: what it needs, which way is better, and how its interval is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from millrace.evaluate import cells as c
from millrace.evaluate.intervals import Bounds, Scale
from millrace.records.signature import Task

Needs = Literal["label", "probabilities", "value"]


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric: ``function(truth, prediction) -> float``, and how its interval is made.

    `truth` is int64 class indices or float64 values; `prediction` is what `needs` says: labels int64 ``[rows]``,
    probabilities of the positive ``[rows]`` or of all classes ``[rows, classes]``, or values ``[rows]``.

    Exactly one of these says how sure we are: `of_cells` (the metric as a function of confusion counts, which are
    resampled; with `share`, the counts of a binomial share, Wilson's interval), `influence` (the delta method on
    `scale`), or `bounds` (the metric's own way), where `weighted` gives the metric as a function of row weights,
    for the paired bootstrap.

    `undefined` says in a sentence why a truth has no such metric, or nothing. `same_as` names the metric that it
    equals by definition: a report need not show both.
    """

    name: str
    answers: str
    tasks: tuple[Task, ...]
    needs: Needs
    function: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool = True
    of_cells: Callable[[c.Cells], np.ndarray] | None = None
    share: Callable[[c.Cells], tuple[float, float]] | None = None
    influence: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]] | None = None
    scale: Scale = "plain"
    bounds: Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[float, Bounds]] | None = None
    weighted: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], float]] | None = None
    undefined: Callable[[np.ndarray], str] | None = None
    same_as: str = ""

    def refused(self, truth: np.ndarray) -> str:
        """Why this truth has no such metric; empty where it has."""
        return self.undefined(truth) if self.undefined else ""
