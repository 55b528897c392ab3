"""Boosted symmetric trees as CatBoost grows them (extra `catboost`)."""

from __future__ import annotations

from time import monotonic
from typing import Any

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, installed
from millrace.train.models.boosted import PATIENCE, most_trees


def learner(problem: Problem, chosen: Settings) -> Learn:
    """Trees that are grown until the check rows gain no more; one thread, because sums depend on their number."""
    installed("catboost", "CatBoost")

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        import catboost

        class StopAt:
            def after_iteration(self, _: object) -> bool:
                return monotonic() < deadline

        make = catboost.CatBoostClassifier if problem.classes else catboost.CatBoostRegressor
        settings = dict(chosen) | {
            "iterations": trees or most_trees(problem),
            "random_seed": problem.seed,
            "thread_count": 1,
            "verbose": False,
            "allow_writing_files": False,
            "loss_function": _loss(problem),
        }
        model = make(**settings)
        check: dict[str, Any] = {}
        if trees is None and lesson.check_matrix is not None:
            check = {"eval_set": (lesson.check_matrix, lesson.check_truth), "early_stopping_rounds": PATIENCE}
        model.fit(lesson.matrix, lesson.truth, sample_weight=lesson.weights, callbacks=[StopAt()], **check)
        return model, model.tree_count_

    return learn


def _loss(problem: Problem) -> str:
    if problem.metric in ("mae", "median_ae"):
        return "MAE"
    return {"binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE"}[problem.signature.task]


FAMILY = Family(
    "CatBoost", recipes.for_forests, learner, {"balanced": {"depth": 6, "learning_rate": 0.06, "l2_leaf_reg": 3.0}}
)
