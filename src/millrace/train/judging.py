"""The sealed test part: what judges a model in the end, and what each column is worth there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from millrace.engine.clock import Clock
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Member
from millrace.records.signature import Signature
from millrace.records.weakest import Weakest
from millrace.train.calling import Calling
from millrace.train.importance import MAX_ROWS, Shuffling, importances
from millrace.train.trials import outputs_of


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """The test rows with their truth, and the metric that decides."""

    rows: pl.DataFrame
    truth: np.ndarray
    signature: Signature
    metric: str
    seed: int

    def outputs(self, members: Sequence[Member]) -> np.ndarray:
        """What the members say together of the test rows, before it is calibrated and called."""
        return outputs_of(members, self.rows, self.signature)

    def judge(self, outputs: np.ndarray, calling: Calling) -> Evaluation:
        """How good the answers are that outputs become."""
        from millrace.evaluate.conformal import surroundings
        from millrace.evaluate.judge import judge
        from millrace.evaluate.measure import uncalibrated

        answer, task = calling.answer(outputs), self.signature.task
        found = judge(
            self.truth,
            answer,
            self.signature,
            threshold=calling.threshold,
            metric=self.metric,
            costs=calling.costs,
            seed=self.seed,
        )
        before = {} if calling.calibration is None else uncalibrated(self.truth, outputs, task, self.seed)
        inside = None
        if calling.conformal is not None:
            inside = surroundings(calling.conformal, self.truth, answer, self.signature.classes)
        return replace(found, uncalibrated=before, surroundings=inside)

    def weakest(self, outputs: np.ndarray, calling: Calling, found: Mapping[str, Metric]) -> Weakest:
        """Where answers are worst, looked for first in the columns whose importances were `found`."""
        from millrace.evaluate.slices import weakest

        return weakest(self.rows, self.signature, self.truth, calling.answer(outputs), list(found))

    def importances(self, members: Sequence[Member], calling: Calling, clock: Clock) -> Mapping[str, Metric]:
        """What the deciding metric loses when a column is shuffled, on at most 2,000 test rows."""
        from millrace.evaluate.costs import cost_metric
        from millrace.evaluate.measure import judged
        from millrace.evaluate.metrics import find

        chosen = np.random.default_rng(self.seed).permutation(len(self.truth))[:MAX_ROWS]
        truth = self.truth[chosen]
        task, classes = self.signature.task, len(self.signature.classes)
        definition = find(self.metric, task) if calling.costs is None else cost_metric(calling.costs)

        def measure(outputs: np.ndarray) -> float:
            answer = calling.answer(outputs)
            prediction = judged(truth, answer, task, classes).prediction(definition)
            assert prediction is not None
            return definition.function(truth, prediction)

        names = [field.name for field in self.signature.inputs]
        shuffling = Shuffling(members, self.rows[chosen], self.signature)
        return importances(
            shuffling, names, measure, clock, seed=self.seed, higher_is_better=definition.higher_is_better
        )
