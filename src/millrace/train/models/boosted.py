"""Boosted trees as LightGBM grows them."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings

#: Every request walks every tree, so their number is bounded; trees grow once per class.
MAX_TREES = 1500
MAX_CLASS_TREES = 4000
PATIENCE = 40

PRESETS: dict[str, Settings] = {
    "balanced": {"num_leaves": 31, "learning_rate": 0.05, "colsample_bytree": 0.8},
    "cautious": {
        "num_leaves": 8,
        "learning_rate": 0.05,
        "colsample_bytree": 0.5,
        "min_child_samples": 40,
        "reg_lambda": 5.0,
    },
    "deep": {
        "num_leaves": 96,
        "learning_rate": 0.04,
        "colsample_bytree": 0.6,
        "min_child_samples": 10,
        "subsample": 0.8,
    },
    "narrow": {
        "num_leaves": 16,
        "learning_rate": 0.04,
        "colsample_bytree": 0.3,
        "min_child_samples": 30,
        "subsample": 0.7,
    },
    "deepest": {
        "num_leaves": 200,
        "learning_rate": 0.03,
        "colsample_bytree": 0.5,
        "min_child_samples": 5,
        "subsample": 0.7,
    },
    "random splits": {"num_leaves": 64, "learning_rate": 0.06, "min_child_samples": 8, "extra_trees": "yes"},
}


def most_trees(problem: Problem) -> int:
    """How many rounds of boosting a package may hold."""
    if problem.signature.task == "multiclass":
        return max(100, MAX_CLASS_TREES // len(problem.signature.classes))
    return MAX_TREES


def learner(problem: Problem, chosen: Settings) -> Learn:
    """Trees that are grown until the check rows gain no more."""

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        import lightgbm

        estimator = (lightgbm.LGBMClassifier if problem.classes else lightgbm.LGBMRegressor)(
            **_settings(problem, chosen, lesson, trees)
        )
        calls = [_stop_at(deadline)]
        check: dict[str, Any] = {}
        if trees is None and lesson.check_matrix is not None:
            calls.append(lightgbm.early_stopping(PATIENCE, verbose=False))
            check = {"eval_X": lesson.check_matrix, "eval_y": lesson.check_truth}
        estimator.fit(lesson.matrix, lesson.truth, sample_weight=lesson.weights, callbacks=calls, **check)
        return estimator, int(estimator.best_iteration_ or estimator.n_estimators)

    return learn


def _settings(problem: Problem, chosen: Settings, lesson: Lesson, trees: int | None) -> dict[str, Any]:
    settings = dict(chosen) | {
        "n_estimators": trees or most_trees(problem),
        "random_state": problem.seed,
        "n_jobs": lesson.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "extra_trees": chosen.get("extra_trees", "no") == "yes",
    }
    if "subsample" in settings:
        settings["subsample_freq"] = 1
    # In small tables a leaf of 40 rows would be most of the table.
    fewest = settings.get("min_child_samples", 20)
    settings["min_child_samples"] = min(fewest, max(2, len(lesson.truth) // 20))
    if problem.metric in ("mae", "median_ae"):
        settings["objective"] = "mae"
    return settings


def _stop_at(deadline: float) -> Callable[[Any], None]:
    """A LightGBM callback that ends boosting when time is up, keeping the trees grown so far."""

    def callback(state: Any) -> None:
        if monotonic() > deadline:
            from lightgbm.callback import EarlyStopException

            raise EarlyStopException(state.iteration, state.evaluation_result_list or [])

    return callback


FAMILY = Family("LightGBM", recipes.for_trees, learner, PRESETS)
