"""The sealed test part: what judges a model in the end, and what each column is worth there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer, Member
from millrace.records.signature import Signature
from millrace.train.clock import Clock
from millrace.train.importance import MAX_ROWS, importances
from millrace.train.trials import answer_of, outputs_of


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """The test rows with their truth, and the metric that decides."""

    rows: pl.DataFrame
    truth: np.ndarray
    signature: Signature
    metric: str
    seed: int

    def answer(self, members: Sequence[Member], threshold: float | None) -> Answer:
        """What the members answer together on the test rows."""
        return answer_of(outputs_of(members, self.rows, self.signature), self.signature, threshold)

    def judge(self, answer: Answer, threshold: float | None) -> Evaluation:
        """How good an answer is."""
        from millrace.evaluate.judge import judge

        return judge(self.truth, answer, self.signature, threshold=threshold, metric=self.metric, seed=self.seed)

    def importances(self, members: Sequence[Member], threshold: float | None, clock: Clock) -> Mapping[str, Metric]:
        """What the deciding metric loses when a column is shuffled, on at most 2,000 test rows."""
        from millrace.evaluate.measure import judged
        from millrace.evaluate.metrics import find

        chosen = np.random.default_rng(self.seed).permutation(len(self.truth))[:MAX_ROWS]
        truth = self.truth[chosen]
        task, classes = self.signature.task, len(self.signature.classes)
        definition = find(self.metric, task)

        def measure(rows: pl.DataFrame) -> float:
            answer = answer_of(outputs_of(members, rows, self.signature), self.signature, threshold)
            prediction = judged(truth, answer, task, classes).prediction(definition)
            assert prediction is not None
            return definition.function(truth, prediction)

        names = [field.name for field in self.signature.inputs]
        rows = self.rows[chosen]
        return importances(rows, names, measure, clock, seed=self.seed, higher_is_better=definition.higher_is_better)
