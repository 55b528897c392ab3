"""What makes one model better than another while models are chosen, on rows that were held out of learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from millrace.config.schema import CostMetric, ModelSettings
from millrace.records.signature import Signature

#: Used where the deciding metric is one of two labels: they jump, and the threshold is chosen afterwards.
_SMOOTH = "log_loss"


@dataclass(frozen=True, slots=True)
class Scorer:
    """The metric that chooses between models; `outputs` are probabilities ``[rows, classes]`` or values ``[rows]``."""

    metric: str
    function: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool

    def score(self, truth: np.ndarray, outputs: np.ndarray) -> float:
        """The metric of these outputs; binary metrics look at the positive's probability."""
        return self.function(truth, outputs[:, 1] if outputs.ndim == 2 and outputs.shape[1] == 2 else outputs)

    def better(self, score: float, than: float) -> bool:
        """Whether a score beats another one by more than rounding."""
        gain = score - than if self.higher_is_better else than - score
        return gain > 1e-9 * max(1.0, abs(than))


def deciding_metric(settings: ModelSettings, truth: np.ndarray, signature: Signature) -> str:
    """The name of the metric that judges the model in the end: the stated one, or the recommended one."""
    from millrace.evaluate.advice import advise
    from millrace.evaluate.costs import NAME
    from millrace.evaluate.metrics import demand

    if isinstance(settings.metric, CostMetric):
        return NAME

    if isinstance(settings.metric, str) and settings.metric != "auto":
        return demand(settings.metric, signature.task, truth).name
    return advise(truth, signature).metric


def scorer(metric: str, signature: Signature) -> Scorer:
    """How models are chosen when `metric` decides.

    By the metric itself; where it judges labels, of two classes by log loss, and of more by the metric of the most
    probable class less the Brier score, which breaks the many near-ties of a metric that jumps.
    """
    from millrace.evaluate.costs import NAME
    from millrace.evaluate.metrics import find

    # Costs are least where probabilities are honest, so what they decide is chosen by a proper loss.
    definition = find(_SMOOTH if metric == NAME else metric, signature.task)
    if definition.needs == "label":
        if signature.task == "multiclass" and definition.higher_is_better:
            return Scorer(definition.name, _steadied(definition.function), higher_is_better=True)
        definition = find(_SMOOTH, signature.task)
    return Scorer(definition.name, definition.function, definition.higher_is_better)


def _steadied(metric: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    def score(truth: np.ndarray, probabilities: np.ndarray) -> float:
        errors = probabilities.copy()
        errors[np.arange(len(truth)), truth] -= 1
        return float(metric(truth, probabilities.argmax(axis=1)) - (errors**2).sum(axis=1).mean())

    return score
