"""All metrics of one set of answers, each with its interval, in one pass over what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from millrace.evaluate import cells as c
from millrace.evaluate.definition import MetricDefinition
from millrace.evaluate.intervals import (
    Bounds,
    around,
    error_of,
    quantiles,
    resample_matrix,
    rows_worth,
    stretch_of,
    wilson,
)
from millrace.evaluate.metrics import METRICS
from millrace.records.evaluation import Metric
from millrace.records.fit import Answer
from millrace.records.signature import Task


@dataclass(frozen=True, slots=True)
class Judged:
    """Truth and answers, brought into the shape that metrics take.

    `truth` int64 indices or float64 values; `probabilities` is the positive's ``[rows]`` for binary.
    """

    task: Task
    classes: int
    truth: np.ndarray
    label: np.ndarray | None
    probabilities: np.ndarray | None
    value: np.ndarray | None

    def prediction(self, metric: MetricDefinition) -> np.ndarray | None:
        """What the metric looks at; None when the answers hold no such thing."""
        return {"label": self.label, "probabilities": self.probabilities, "value": self.value}[metric.needs]


def judged(truth: np.ndarray, answer: Answer, task: Task, classes: int, threshold: float | None = None) -> Judged:
    """Bring an answer into shape; labels that are absent follow from the probabilities.

    Binary: the positive where its probability is at or above `threshold` (0.5 if None). Multiclass: the most probable.
    """
    if task == "regression":
        return Judged(task, 0, np.asarray(truth, np.float64), None, None, answer.value)
    probabilities = answer.probabilities
    if task == "binary" and probabilities is not None and probabilities.ndim == 2:
        probabilities = probabilities[:, 1]
    label = answer.label
    if label is None and probabilities is not None:
        cut = 0.5 if threshold is None else threshold
        label = (probabilities >= cut).astype(np.int64) if task == "binary" else probabilities.argmax(axis=1)
    return Judged(task, classes, np.asarray(truth, np.int64), label, probabilities, None)


def measure(answers: Judged, seed: int = 0, extra: Sequence[MetricDefinition] = ()) -> Mapping[str, Metric]:
    """Every metric that task, truth and answers allow, with 95 % intervals; the same seed gives the same bounds."""
    rng = np.random.default_rng(seed)
    measured: dict[str, Metric] = {}
    matrix = draws = None
    if answers.label is not None:
        matrix = c.confusion(answers.truth, answers.label, answers.classes)
        draws = resample_matrix(matrix, rng)
    for metric in (*METRICS.values(), *extra):
        prediction = answers.prediction(metric)
        if answers.task not in metric.tasks or prediction is None or metric.refused(answers.truth):
            continue
        if metric.of_cells and matrix is not None and draws is not None:
            value, bounds = _of_cells(metric, c.cells(matrix), draws)
        else:
            value, bounds = _of_rows(metric, answers.truth, prediction, rng)
        measured[metric.name] = Metric(value, *bounds, higher_is_better=metric.higher_is_better)
    return measured


def _of_cells(metric: MetricDefinition, counts: c.Cells, draws: c.Cells) -> tuple[float, Bounds]:
    assert metric.of_cells is not None
    value = float(metric.of_cells(counts))
    if metric.share:
        return value, wilson(*metric.share(counts))
    return value, quantiles(metric.of_cells(draws), value, float(counts.actual[counts.actual > 0].min()))


def _of_rows(
    metric: MetricDefinition, truth: np.ndarray, prediction: np.ndarray, rng: np.random.Generator
) -> tuple[float, Bounds]:
    if metric.bounds:
        return metric.bounds(truth, prediction, rng)
    assert metric.influence is not None
    value, influences = metric.influence(truth, prediction)
    rows, stretch = rows_worth(influences), stretch_of(influences)
    return value, around(value, error_of(influences), metric.scale, rows, stretch)


def uncalibrated(truth: np.ndarray, outputs: np.ndarray, task: Task, seed: int = 0) -> Mapping[str, Metric]:
    """The metrics that calibration can move, of probabilities ``[rows, classes]`` as they were before it."""
    given = judged(truth, Answer(probabilities=outputs.astype(np.float32)), task, outputs.shape[1])
    rng = np.random.default_rng(seed)
    found = {}
    for metric in (METRICS[name] for name in ("log_loss", "brier", "ece")):
        prediction = given.prediction(metric)
        assert prediction is not None
        value, bounds = _of_rows(metric, given.truth, prediction, rng)
        found[metric.name] = Metric(value, *bounds, higher_is_better=metric.higher_is_better)
    return found
