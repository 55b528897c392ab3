"""Boosted trees as XGBoost grows them (extra `xgboost`)."""

from __future__ import annotations

from time import monotonic
from typing import Any

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, installed
from millrace.train.models.boosted import PATIENCE, most_trees

_OBJECTIVES = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}


class XGBoosted:
    """A booster in scikit-learn's grammar; `classes_` are the classes it learned, sorted."""

    def __init__(self, booster: Any, classes: np.ndarray | None) -> None:
        self.booster_ = booster
        if classes is not None:
            self.classes_ = classes

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """What the booster says: values, or the probabilities of its objective."""
        return np.asarray(self.booster_.inplace_predict(matrix), np.float64)

    def predict_proba(self, matrix: np.ndarray) -> np.ndarray:
        """Probabilities ``[rows, classes]``."""
        found = self.predict(matrix)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found


def learner(problem: Problem, chosen: Settings) -> Learn:
    """Trees that are grown until the check rows gain no more; one thread, because sums depend on their number."""
    installed("xgboost", "XGBoost")

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        return _grown(problem, chosen, lesson, trees, deadline)

    return learn


def _grown(
    problem: Problem, chosen: Settings, lesson: Lesson, trees: int | None, deadline: float
) -> tuple[XGBoosted, int]:
    import xgboost

    class StopAt(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, *_: object) -> bool:
            return monotonic() > deadline

    known, places = np.unique(lesson.truth, return_inverse=True) if problem.classes else (None, lesson.truth)
    learned = xgboost.DMatrix(lesson.matrix, places, weight=lesson.weights, nthread=1)
    checked: dict[str, Any] = {}
    if trees is None and lesson.check_matrix is not None and lesson.check_truth is not None:
        truth = lesson.check_truth if known is None else np.searchsorted(known, lesson.check_truth)
        check = xgboost.DMatrix(lesson.check_matrix, truth, nthread=1)
        checked = {"evals": [(check, "check")], "early_stopping_rounds": PATIENCE, "verbose_eval": False}
    booster = xgboost.train(
        _settings(problem, chosen, places, known),
        learned,
        num_boost_round=trees or most_trees(problem),
        callbacks=[StopAt()],
        **checked,
    )
    best = booster.best_iteration + 1 if checked else booster.num_boosted_rounds()
    return XGBoosted(booster[:best], known), best


def _settings(problem: Problem, chosen: Settings, goals: np.ndarray, known: np.ndarray | None) -> dict[str, Any]:
    task = problem.signature.task
    settings = dict(chosen) | {
        "objective": _OBJECTIVES[task],
        "seed": problem.seed,
        "nthread": 1,
        "verbosity": 0,
        "tree_method": "hist",
        # Stated, because what is estimated is in another place in every version.
        "base_score": 0.5 if problem.classes else float(np.mean(goals)),
    }
    if task == "multiclass" and known is not None:
        settings["num_class"] = len(known)
    if problem.metric in ("mae", "median_ae"):
        settings |= {"objective": "reg:absoluteerror", "base_score": float(np.median(goals))}
    return settings


FAMILY = Family(
    "XGBoost",
    recipes.for_forests,
    learner,
    {"balanced": {"max_depth": 6, "learning_rate": 0.05, "colsample_bytree": 0.7, "subsample": 0.8}},
)
