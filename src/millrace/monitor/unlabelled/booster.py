"""A small model about rows, learned in two halves so that no row is judged by a model that has seen it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_SETTINGS = {
    "n_estimators": 60,
    "num_leaves": 8,
    "learning_rate": 0.08,
    "min_child_samples": 25,
    "reg_lambda": 5.0,
    "verbosity": -1,
    "n_jobs": 1,
    "deterministic": True,
    "random_state": 0,
}


@dataclass(frozen=True, slots=True)
class Halves:
    """Two models of the halves of some rows; `own` is what the other half's model says of each of those rows."""

    models: tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
    own: np.ndarray

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """What both models say of new rows, on average: float64 ``[rows]``."""
        first, second = self.models
        mean: np.ndarray = (first(inputs) + second(inputs)) / 2
        return mean


def halves(inputs: np.ndarray, target: np.ndarray, *, chances: bool, seed: int = 0) -> Halves:
    """Learn `target` float64 ``[rows]`` from `inputs` ``[rows, columns]``: chances of 1, or values."""
    first = np.random.default_rng(seed).permutation(len(target)) % 2 == 0
    a, b = (_taught(inputs[part], target[part], chances=chances) for part in (first, ~first))
    own = np.empty(len(target))
    own[~first], own[first] = a(inputs[~first]), b(inputs[first])
    return Halves((a, b), own)


def _taught(inputs: np.ndarray, target: np.ndarray, *, chances: bool) -> Callable[[np.ndarray], np.ndarray]:
    if np.ptp(target) == 0:
        return lambda rows: np.full(len(rows), float(target[0]))
    from lightgbm import LGBMClassifier, LGBMRegressor

    model: Any = (LGBMClassifier if chances else LGBMRegressor)(**_SETTINGS)
    model.fit(inputs, target)
    booster = model.booster_
    return lambda rows: np.asarray(booster.predict(rows, num_threads=1), np.float64)
