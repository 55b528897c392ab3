"""By how much one model beats another on the same rows."""

from __future__ import annotations

import numpy as np

from millrace.errors import DataError
from millrace.evaluate import cells as c
from millrace.evaluate.definition import MetricDefinition
from millrace.evaluate.intervals import Bounds, around, error_of, quantiles, resample, rows_worth
from millrace.evaluate.measure import Judged
from millrace.records.evaluation import Difference


def difference(metric: MetricDefinition, candidate: Judged, reference: Judged, seed: int) -> Difference:
    """Candidate minus reference in `metric`, with the 95 % interval of the paired difference."""
    new, old = candidate.prediction(metric), reference.prediction(metric)
    if new is None or old is None:
        raise DataError(f"{metric.name} needs {metric.needs} from both models.", where="compare")
    truth, rng = candidate.truth, np.random.default_rng(seed)
    if metric.of_cells:
        value, bounds = _of_cells(metric, candidate.classes, truth, (new, old), rng)
    elif metric.influence:
        (first, one), (second, other) = metric.influence(truth, new), metric.influence(truth, old)
        value = first - second
        bounds = around(value, error_of(one - other), "plain", rows_worth(one - other))
    else:
        value, bounds = _of_weights(metric, truth, new, old, rng)
    return Difference(metric.name, value, *bounds, better=_better(bounds, metric.higher_is_better), rows=len(truth))


def _better(bounds: Bounds, higher_is_better: bool) -> bool | None:
    low, high = bounds
    if low <= 0 <= high:
        return None
    return (low > 0) == higher_is_better


def _of_cells(
    metric: MetricDefinition,
    classes: int,
    truth: np.ndarray,
    labels: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> tuple[float, Bounds]:
    """Resample the cells of truth by one call by the other; two classes keep all eight possible."""
    assert metric.of_cells is not None
    new, old = labels
    codes = (truth * classes + new) * classes + old
    if classes == 2:
        kinds, counts = np.arange(8), np.bincount(codes, minlength=8)
    else:
        kinds, counts = np.unique(codes, return_counts=True)
    rows, called, called_before = kinds // classes**2, kinds // classes % classes, kinds % classes
    one, other = resample(rows, (called, called_before), counts.astype(np.float64), classes, rng)
    value = float(
        metric.of_cells(c.cells(c.confusion(truth, new, classes)))
        - metric.of_cells(c.cells(c.confusion(truth, old, classes)))
    )
    return value, quantiles(metric.of_cells(one) - metric.of_cells(other), value)


def _of_weights(
    metric: MetricDefinition, truth: np.ndarray, new: np.ndarray, old: np.ndarray, rng: np.random.Generator
) -> tuple[float, Bounds]:
    """Weigh the rows anew again and again, the same for both models."""
    assert metric.weighted is not None
    draws = int(min(200, max(50, 40_000_000 // len(truth))))
    seen = np.empty(draws)
    first, second = metric.weighted(truth, new), metric.weighted(truth, old)
    for i in range(draws):
        weights = rng.standard_exponential(len(truth))
        seen[i] = first(weights) - second(weights)
    value = metric.function(truth, new) - metric.function(truth, old)
    return value, around(value, float(seen.std()), "plain", len(truth))
