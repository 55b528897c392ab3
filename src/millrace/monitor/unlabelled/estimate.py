"""How good answers likely are before their truth is known, with a band, and what that rests on.

Of a classification, the truth is drawn again and again from the chances that the model states, after these were made
honest on held-out rows weighted to look like the served ones (importance weighting: the odds of a small model that
tells the two apart; Białek et al., "Estimating model performance under covariate shift without labels", 2024, arXiv
2401.08348). The metric of each draw is computed as if it were the truth. Of a regression, a small model learns the
errors of held-out rows, weighted alike, and says those of the served ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.evaluate.costs import NAME, cost_metric
from millrace.evaluate.measure import judged
from millrace.evaluate.metrics import find
from millrace.monitor.unlabelled.booster import halves
from millrace.monitor.unlabelled.held import Held, losses, part
from millrace.records.fit import Answer
from millrace.records.package import Manifest

_DRAWS = 60
#: Weights beyond it are cut: few rows must not decide.
_HEAVIEST = 20.0
#: With fewer rows' worth of weight the served rows lie too far from the held-out ones.
_WORTH = 50.0
_STEPS = 15


@dataclass(frozen=True, slots=True)
class Band:
    """A value with the bounds of 95 % of its draws; `worth` says how many held-out rows are like the served ones."""

    metric: str
    value: float
    low: float
    high: float
    worth: float


def weights(held: np.ndarray, served: np.ndarray) -> np.ndarray:
    """How much more often each held-out row's like is served than it was held out, float64 ``[rows]``, mean 1."""
    both = np.concatenate((held, served))
    of = np.concatenate((np.zeros(len(held)), np.ones(len(served))))
    chance = np.clip(halves(both, of, chances=True).own[: len(held)], 1e-3, 1 - 1e-3)
    odds = np.minimum(chance / (1 - chance) * len(held) / len(served), _HEAVIEST)
    scaled: np.ndarray = odds / odds.mean()
    return scaled


def estimate(
    manifest: Manifest, held: Held, weight: np.ndarray, served: Answer, inputs: np.ndarray, of: np.ndarray
) -> Band | None:
    """The primary metric of `served` answers; None when the held-out rows that look like them are too few.

    `weight` is that of the held-out rows; `inputs` and `of` are the matrices of held-out and served rows.
    """
    worth = float(weight.sum() ** 2 / np.square(weight).sum())
    if worth < _WORTH:
        return None
    if manifest.signature.task == "regression":
        return _of_values(held, weight, inputs, of, worth)
    return _of_classes(manifest, held, weight, served, worth)


def _of_classes(manifest: Manifest, held: Held, weight: np.ndarray, served: Answer, worth: float) -> Band:
    task, classes = manifest.signature.task, len(manifest.signature.classes)
    paid = manifest.evaluation.costs
    name = manifest.evaluation.primary
    metric = cost_metric(np.array(paid.matrix)) if paid is not None and name == NAME else find(name, task)
    draw = np.random.default_rng(0)
    known, said = _logits(held.answer), _logits(served)
    values = []
    for _ in range(_DRAWS):
        drawn = draw.multinomial(len(weight), weight / weight.sum())
        chances = _softmax(_honest(known, held.truth, drawn.astype(np.float64), said))
        rows = draw.integers(0, len(said), len(said))
        truth = (draw.random(len(rows))[:, None] > chances[rows].cumsum(axis=1)[:, :-1]).sum(axis=1)
        if metric.refused(truth) or len(np.unique(truth)) < 2:
            continue
        answer = judged(truth, part(served, rows), task, classes, manifest.threshold)
        prediction = answer.prediction(metric)
        if prediction is not None:
            values.append(float(metric.function(truth, prediction)))
    return _band(name, np.array(values), worth)


def _of_values(held: Held, weight: np.ndarray, inputs: np.ndarray, of: np.ndarray, worth: float) -> Band:
    """The mean absolute error that a small model of the held-out errors expects."""
    loss = losses(held)
    learned = halves(inputs, loss, chances=False)
    said = np.maximum(learned(of), 0.0)
    # What the small model gets wrong on held-out rows on average, it is taken to get wrong here too.
    draw = np.random.default_rng(0)
    share = weight / weight.sum()
    values = []
    for _ in range(_DRAWS):
        kept = draw.choice(len(loss), len(loss), p=share)
        correction = float((loss[kept] - learned.own[kept]).mean())
        values.append(float(said[draw.integers(0, len(said), len(said))].mean()) + correction)
    return _band("mae", np.array(values), worth)


def _band(name: str, values: np.ndarray, worth: float) -> Band:
    low, high = np.quantile(values, [0.025, 0.975])
    return Band(name, float(values.mean()), float(low), float(high), worth)


def _logits(answer: Answer) -> np.ndarray:
    chances = np.clip(np.asarray(answer.probabilities, np.float64), 1e-6, 1.0)
    logits: np.ndarray = np.log(chances / chances.sum(axis=1, keepdims=True))
    return logits


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _honest(known: np.ndarray, truth: np.ndarray, weight: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Logits `said` after what makes those of the weighted held-out rows, `known`, honest."""
    if known.shape[1] == 2:
        return _platt(known, truth, weight, said)
    return said * _temperature(known, truth, weight)


def _platt(known: np.ndarray, truth: np.ndarray, weight: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Logits of two classes after a slope and an offset that fit the weighted held-out rows (Platt, 1999)."""
    margin = known[:, 1] - known[:, 0]
    design = np.column_stack((margin, np.ones_like(margin)))
    found = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        # A pull towards what the model says itself, worth a few rows, keeps separable rows finite.
        slope = design.T @ (weight * (truth - chance)) - 5.0 * (found - [1.0, 0.0])
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + 5.0 * np.eye(2)
        found = found + np.linalg.solve(curve, slope)
    ours = (said[:, 1] - said[:, 0]) * found[0] + found[1]
    return np.column_stack((np.zeros_like(ours), ours))


def _temperature(known: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """The factor of logits that fits the weighted held-out rows best (Guo et al., 2017)."""
    factors = np.geomspace(0.4, 2.5, 25)
    rows = np.arange(len(truth))
    gains = [float(weight @ np.log(np.maximum(_softmax(known * one)[rows, truth], 1e-12))) for one in factors]
    return float(factors[int(np.argmax(gains))])
