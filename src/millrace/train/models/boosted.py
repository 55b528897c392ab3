"""Boosted trees as LightGBM grows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread

#: Every request walks every tree, so their number is bounded; trees grow once per class.
MAX_TREES = 1500
MAX_CLASS_TREES = 4000
PATIENCE = 40
#: Fewer trees than this say less, of all rows, than as many of a part of the rows; but not of fewer rows than that.
ENOUGH_TREES, FEWEST_ROWS = 300, 20_000
#: After so many trees their pace is known.
_PACED = 10

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
    """Trees that are grown until the check rows gain no more; on fewer rows where time is too short for many trees."""

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        rows = len(lesson.truth)
        if trees is not None or rows <= FEWEST_ROWS:
            return _told(_grown(problem, chosen, lesson, trees, [_stop_at(deadline)]))
        pace = _Pace(deadline)
        estimator = _grown(problem, chosen, lesson, trees, [pace])
        if pace.share < 1:
            some = spread(lesson.truth, problem.classes, max(FEWEST_ROWS, int(pace.share * rows)))
            weights = None if lesson.weights is None else lesson.weights[some]
            fewer = replace(lesson, matrix=lesson.matrix[some], truth=lesson.truth[some], weights=weights)
            estimator = _grown(problem, chosen, fewer, trees, [_stop_at(deadline)])
        return _told(estimator)

    return learn


def _told(estimator: Any) -> tuple[Any, int]:
    return estimator, int(estimator.best_iteration_ or estimator.n_estimators)


def _grown(problem: Problem, chosen: Settings, lesson: Lesson, trees: int | None, calls: list[Any]) -> Any:
    import lightgbm

    estimator = (lightgbm.LGBMClassifier if problem.classes else lightgbm.LGBMRegressor)(
        **_settings(problem, chosen, lesson, trees)
    )
    check: dict[str, Any] = {}
    if trees is None and lesson.check_matrix is not None:
        calls.append(lightgbm.early_stopping(PATIENCE, verbose=False))
        check = {"eval_X": lesson.check_matrix, "eval_y": lesson.check_truth}
    return estimator.fit(lesson.matrix, lesson.truth, sample_weight=lesson.weights, callbacks=calls, **check)


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
            raise _end(state)

    return callback


class _Pace:
    """A LightGBM callback that ends boosting when time is up, or as soon as its pace says that time is too short.

    `share` is then that of the rows of which there is time for enough trees.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._began = 0.0
        self.share = 1.0

    def __call__(self, state: Any) -> None:
        now = monotonic()
        if state.iteration == 0:
            self._began = now  # the rows were binned before
        elif state.iteration == _PACED and state.iteration < state.end_iteration - 1:
            trees = _PACED * (self._deadline - now) / max(now - self._began, 1e-9)
            self.share = min(1.0, trees / min(ENOUGH_TREES, state.end_iteration))
        if now > self._deadline or self.share < 1:
            raise _end(state)


def _end(state: Any) -> Exception:
    from lightgbm.callback import EarlyStopException

    found: Exception = EarlyStopException(state.iteration, state.evaluation_result_list or [])
    return found


FAMILY = Family("LightGBM", recipes.for_trees, learner, PRESETS)
