"""Which metrics there are, what each needs, and which way is better: a table, nothing else.

Judging, comparing, gates, the report and the docs read this table; none of them knows a metric by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from millrace.errors import UsageError, nearest
from millrace.evaluate import areas as a
from millrace.evaluate import cells as c
from millrace.evaluate import probabilities as p
from millrace.evaluate import ranking as r
from millrace.evaluate import values as v
from millrace.evaluate.definition import MetricDefinition, Needs
from millrace.evaluate.intervals import Scale
from millrace.evaluate.miscalibration import ece_bounds
from millrace.records.signature import Task


def find(name: str, task: Task) -> MetricDefinition:
    """The metric called `name`.

    Raises
    ------
    UsageError
        When no metric of this name suits the task.

    Examples
    --------
    >>> find("rmse", "regression").higher_is_better
    False
    """
    known = [metric.name for metric in METRICS.values() if task in metric.tasks]
    if name not in known:
        raise UsageError(
            f"`{name}` is not a metric for {task} models.",
            where="metric",
            code="usage.unknown-metric",
            allowed=known,
            nearest=nearest(name, known),
        )
    return METRICS[name]


def demand(name: str, task: Task, truth: np.ndarray) -> MetricDefinition:
    """The metric called `name`, for this truth.

    Raises
    ------
    UsageError
        When no metric of this name suits the task, or this truth has no such metric.
    """
    metric = find(name, task)
    if reason := metric.refused(truth):
        raise UsageError(reason, where="metric", code="usage.undefined-metric", next_step="choose mae, wape or rmse")
    return metric


_BINARY: tuple[Task, ...] = ("binary",)
_MANY: tuple[Task, ...] = ("multiclass",)
_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_VALUES: tuple[Task, ...] = ("regression",)


def _counted(
    name: str,
    answers: str,
    tasks: tuple[Task, ...],
    of_cells: Callable[[c.Cells], np.ndarray],
    share: Callable[[c.Cells], tuple[float, float]] | None = None,
) -> MetricDefinition:
    def function(truth: np.ndarray, label: np.ndarray) -> float:
        classes = int(max(truth.max(), label.max(), 1)) + 1
        return float(of_cells(c.cells(c.confusion(truth, label, classes))))

    return MetricDefinition(name, answers, tasks, "label", function, of_cells=of_cells, share=share)


def _right(counts: c.Cells) -> tuple[float, float]:
    return float(counts.hits.sum()), float(counts.actual.sum())


def _meant(
    name: str,
    answers: str,
    tasks: tuple[Task, ...],
    needs: Needs,
    influence: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    scale: Scale = "log",
) -> MetricDefinition:
    def function(truth: np.ndarray, prediction: np.ndarray) -> float:
        return influence(truth, prediction)[0]

    better = scale == "below_one"
    return MetricDefinition(name, answers, tasks, needs, function, better, influence=influence, scale=scale)


def _ranked(name: str, answers: str, influence: a.Influence) -> MetricDefinition:
    area, bounds = a.value_of(influence), a.bounds_of(influence)
    return MetricDefinition(name, answers, _MANY, "probabilities", area, influence=influence, bounds=bounds)


_ALL = (
    MetricDefinition(
        "roc_auc",
        "how often a random positive scores above a random negative",
        _CLASSES,
        "probabilities",
        r.roc_auc,
        influence=r.roc_auc_influence,
        bounds=r.roc_auc_bounds,
    ),
    _ranked("roc_auc_weighted", "mean roc_auc against the rest, classes weighted by rows", a.against_rest),
    _ranked("roc_auc_ovo", "mean roc_auc over the pairs of classes", a.one_against_one(weighted=False)),
    _ranked("roc_auc_ovo_weighted", "mean roc_auc over the pairs, by their rows", a.one_against_one(weighted=True)),
    MetricDefinition(
        "average_precision",
        "mean precision over the positives, best first",
        _BINARY,
        "probabilities",
        r.average_precision,
        bounds=r.average_precision_bounds,
        weighted=r.weighted_precision,
    ),
    _counted(
        "accuracy",
        "share of rows called rightly",
        _CLASSES,
        c.accuracy,
        _right,
    ),
    _counted("balanced_accuracy", "mean recall over the classes", _CLASSES, c.balanced_accuracy),
    _counted(
        "precision",
        "share of positive calls that are right",
        _BINARY,
        c.precision,
        lambda k: (float(k.hits[1]), float(k.predicted[1])),
    ),
    _counted(
        "recall",
        "share of positives that are found",
        _BINARY,
        c.recall,
        lambda k: (float(k.hits[1]), float(k.actual[1])),
    ),
    _counted(
        "specificity",
        "share of negatives left alone",
        _BINARY,
        c.specificity,
        lambda k: (float(k.hits[0]), float(k.actual[0])),
    ),
    _counted("f1", "harmonic mean of precision and recall", _BINARY, c.f1),
    _counted("f2", "F that weighs recall twice as much as precision", _BINARY, c.f_beta(2.0)),
    _counted("f0_5", "F that weighs precision twice as much as recall", _BINARY, c.f_beta(0.5)),
    *(
        replace(
            _counted(f"{name}_micro", f"{name} over all calls at once", _MANY, c.accuracy, _right), same_as="accuracy"
        )
        for name in ("precision", "recall", "f1")
    ),
    _counted("precision_macro", "mean precision over the classes", _MANY, c.macro(c.precisions)),
    _counted("recall_macro", "mean recall over the classes", _MANY, c.macro(c.recalls)),
    _counted("f1_macro", "mean F1 over the classes", _MANY, c.macro(c.f1s)),
    _counted("specificity_macro", "mean specificity over the classes", _MANY, c.macro(c.specificities)),
    _counted("precision_weighted", "mean precision, classes weighted by rows", _MANY, c.weighted(c.precisions)),
    _counted("recall_weighted", "mean recall, classes weighted by rows", _MANY, c.weighted(c.recalls)),
    _counted("f1_weighted", "mean F1, classes weighted by rows", _MANY, c.weighted(c.f1s)),
    _counted("mcc", "correlation of truth and call; high only if all four cells are good", _CLASSES, c.mcc),
    _counted("cohen_kappa", "agreement beyond chance", _CLASSES, c.cohen_kappa),
    _meant("log_loss", "mean surprise in nats", _CLASSES, "probabilities", v.mean_of(p.log_losses)),
    _meant("brier", "mean squared error of the probabilities", _CLASSES, "probabilities", v.mean_of(p.brier_losses)),
    MetricDefinition(
        "ece",
        "mean gap between promised and seen frequency, less what chance shows",
        _CLASSES,
        "probabilities",
        p.ece,
        higher_is_better=False,
        bounds=ece_bounds,
        weighted=p.weighted_ece,
    ),
    _meant("rmse", "root of the mean squared error", _VALUES, "value", v.rmse, "root"),
    _meant("mae", "mean absolute error", _VALUES, "value", v.mean_of(v.absolute)),
    MetricDefinition(
        "median_ae",
        "error that half of the rows stay within",
        _VALUES,
        "value",
        v.median_ae,
        higher_is_better=False,
        bounds=v.median_ae_bounds,
        weighted=v.weighted_median_ae,
    ),
    replace(
        _meant("mape", "mean error as a share of the truth", _VALUES, "value", v.mean_of(v.relative)),
        undefined=v.no_shares,
    ),
    _meant("wape", "sum of the errors as a share of the sum of the truth", _VALUES, "value", v.wape),
    _meant("pinball_0_1", "how well it serves as the 10 % quantile", _VALUES, "value", v.mean_of(v.pinball(0.1))),
    replace(
        _meant("pinball_0_5", "how well it serves as the median", _VALUES, "value", v.mean_of(v.pinball(0.5))),
        same_as="mae",
    ),
    _meant("pinball_0_9", "how well it serves as the 90 % quantile", _VALUES, "value", v.mean_of(v.pinball(0.9))),
    _meant("r2", "share of the variance that is explained", _VALUES, "value", v.r2, "below_one"),
)

METRICS: Mapping[str, MetricDefinition] = MappingProxyType({metric.name: metric for metric in _ALL})
