"""How well each class is told from the others, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from millrace.evaluate import cells as c
from millrace.evaluate.intervals import quantiles, resample_matrix, wilson
from millrace.records.evaluation import Metric


def per_class(matrix: np.ndarray, classes: Sequence[str], seed: int = 0) -> Mapping[str, Mapping[str, Metric]]:
    """Precision, recall, specificity and F1 of every class from a confusion matrix ``[classes, classes]``.

    Wilson's interval for the three shares; F1 is resampled. A share of nothing is 0, with the bounds 0 to 1.

    Examples
    --------
    >>> spam = per_class(np.array([[100, 5], [10, 30]]), ("ham", "spam"))["spam"]
    >>> {name: round(metric.value, 3) for name, metric in spam.items()}
    {'precision': 0.857, 'recall': 0.75, 'specificity': 0.952, 'f1': 0.8}
    """
    counts = c.cells(matrix)
    draws = c.f1s(resample_matrix(np.asarray(matrix), np.random.default_rng(seed)))
    rows = float(counts.actual.sum())
    found = {}
    for place, name in enumerate(classes):
        hits, actual, called = (float(part[place]) for part in (counts.hits, counts.actual, counts.predicted))
        f1 = float(c.f1s(counts)[place])
        found[name] = {
            "precision": _share(hits, called),
            "recall": _share(hits, actual),
            "specificity": _share(rows - actual - (called - hits), rows - actual),
            "f1": Metric(f1, *quantiles(draws[:, place], f1, max(actual, 2.0)))
            if actual + called
            else Metric(0.0, 0.0, 1.0),
        }
    return found


def _share(hits: float, rows: float) -> Metric:
    return Metric(hits / rows if rows else 0.0, *wilson(hits, rows))
