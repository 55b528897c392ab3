"""Multilayer perceptrons: a few dense layers with rectified units, learned by Adam a pass at a time."""

from __future__ import annotations

from copy import deepcopy
from time import monotonic
from typing import Any

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread

MAX_ROWS = 100_000
#: Passes over the rows at most, and without a gain on the check rows.
MAX_PASSES, PATIENCE = 200, 12


def learner(problem: Problem, settings: Settings) -> Learn:
    """Pass after pass until the check rows gain no more; then the network of the best pass."""

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        chosen = spread(lesson.truth, problem.classes, MAX_ROWS)
        matrix, truth, weights = lesson.part(chosen)
        matrix = matrix.astype(np.float64)
        center, size = (0.0, 1.0) if problem.classes else (float(truth.mean()), float(truth.std()) or 1.0)
        network, known = _network(problem, settings, len(truth)), np.unique(truth)
        best, loss, at = None, np.inf, 0
        for number in range(1, (trees or MAX_PASSES) + 1):
            if problem.classes:
                network.partial_fit(matrix, truth, sample_weight=weights, classes=known)
            else:
                network.partial_fit(matrix, (truth - center) / size, sample_weight=weights)
            if trees is None and lesson.check_matrix is not None and lesson.check_truth is not None:
                seen = _loss(problem, network, lesson.check_matrix, lesson.check_truth, center, size)
                if seen < loss:
                    best, loss, at = deepcopy((network.coefs_, network.intercepts_)), seen, number
                elif number - at >= PATIENCE:
                    break
            if monotonic() > deadline:
                break
        if best is not None:
            network.coefs_, network.intercepts_ = best
        # The last layer takes the target's own scale, so that nothing follows it.
        network.coefs_[-1] = network.coefs_[-1] * size
        network.intercepts_[-1] = network.intercepts_[-1] * size + center
        return network, at or number

    return learn


def _network(problem: Problem, settings: Settings, rows: int) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return (MLPClassifier if problem.classes else MLPRegressor)(
        hidden_layer_sizes=(settings.get("width", 64),) * settings.get("layers", 2),
        alpha=settings.get("alpha", 1e-4),
        learning_rate_init=settings.get("learning_rate", 2e-3),
        batch_size=min(256, max(16, rows // 50), rows),
        random_state=problem.seed,
    )


def _loss(problem: Problem, network: Any, matrix: np.ndarray, truth: np.ndarray, center: float, size: float) -> float:
    if not problem.classes:
        return float(((network.predict(matrix) * size + center - truth) ** 2).mean())
    own = network.predict_proba(matrix)[np.arange(len(truth)), np.searchsorted(network.classes_, truth)]
    return float(-np.log(np.maximum(own, 1e-12)).mean())


FAMILY = Family("MLP", recipes.for_linear, learner, {"two layers of 64": {"layers": 2, "width": 64}})
