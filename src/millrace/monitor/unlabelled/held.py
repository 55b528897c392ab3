"""Rows whose truth is known and that the model never saw: what everything without labels is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from millrace.evaluate.judge import judge
from millrace.monitor.look import answer, inputs
from millrace.monitor.performance import known
from millrace.records.fit import Answer
from millrace.records.package import Manifest

if TYPE_CHECKING:
    import polars as pl

#: Fewer rows than this teach nothing about where a model errs.
LEAST = 200


@dataclass(frozen=True, slots=True)
class Held:
    """Inputs, truth (class indices int64, or values float64) and what the model says of these rows; `of` says which."""

    rows: pl.DataFrame
    truth: np.ndarray
    answer: Answer
    of: str

    def some(self, most: int, seed: int = 0) -> Held:
        """At most so many of them, drawn at random."""
        if len(self.truth) <= most:
            return self
        kept = np.sort(np.random.default_rng(seed).choice(len(self.truth), most, replace=False))
        return Held(self.rows[kept], self.truth[kept], part(self.answer, kept), self.of)


def judged_by(held: Held, manifest: Manifest) -> bool:
    """Whether the package's own promise was measured on these very rows: it has the same value on them."""
    promised = manifest.evaluation
    if len(held.truth) != promised.rows or promised.primary not in promised.metrics:
        return False
    paid = promised.costs
    costs = None if paid is None else np.array(paid.matrix)
    found = judge(held.truth, held.answer, manifest.signature, threshold=manifest.threshold, costs=costs)
    value, wanted = found.metrics[promised.primary].value, promised.metrics[promised.primary].value
    return bool(np.isclose(value, wanted, rtol=1e-3, atol=1e-9))


def of_log(rows: pl.DataFrame, feedback: pl.DataFrame, manifest: Manifest) -> Held | None:
    """The predictions whose outcome is known, in the place of held-out rows; None while they are too few."""
    outcomes = known(rows, feedback, manifest.signature)
    if len(outcomes.truth) < LEAST:
        return None
    signature = manifest.signature
    said = answer(outcomes.rows, signature)
    return Held(inputs(outcomes.rows, signature), outcomes.truth, said, "predictions whose outcome is known")


def part(said: Answer, kept: np.ndarray) -> Answer:
    """The answers to the rows `kept`."""
    return Answer(
        label=None if said.label is None else said.label[kept],
        probabilities=None if said.probabilities is None else said.probabilities[kept],
        value=None if said.value is None else said.value[kept],
    )


def losses(held: Held) -> np.ndarray:
    """How wrong each answer is, float64 ``[rows]``: minus the log of the truth's chance, or the absolute error."""
    if held.answer.probabilities is None:
        sizes: np.ndarray = np.abs(np.asarray(held.answer.value, np.float64) - held.truth)
        return sizes
    chances = np.asarray(held.answer.probabilities, np.float64)[np.arange(len(held.truth)), held.truth]
    loss: np.ndarray = -np.log(np.clip(chances, 1e-6, 1.0))
    return loss
