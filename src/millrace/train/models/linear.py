"""Linear models: logistic regression of classes, and ridge regression of values; with texts, of their words too."""

from __future__ import annotations

from time import monotonic
from typing import Any

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread
from millrace.train.models.one_against import OneVsOneLogistic, OneVsRestLogistic

#: More rows than this change a linear model no more.
MAX_ROWS = 50_000
NEWTON_COLUMNS = 500
STEPS = 25


def learner(problem: Problem, settings: Settings) -> Learn:
    """Ridge, or logistic regression with the classes told apart as `settings` say."""
    penalty, classes = float(settings.get("penalty", 1.0)), settings.get("classes", "softmax")
    kind = {"one_vs_rest": OneVsRestLogistic, "one_vs_one": OneVsOneLogistic}.get(classes)
    task = problem.signature.task

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001 - no trees
        from sklearn.linear_model import Ridge

        chosen = spread(lesson.truth, problem.classes, MAX_ROWS)
        # float64: the solver's line search fails to make progress in float32.
        matrix, truth = lesson.matrix[chosen].astype(np.float64), lesson.truth[chosen]
        if task == "regression":
            return Ridge(alpha=penalty).fit(matrix, truth), 0
        if kind is not None and task == "multiclass":
            return kind(lambda one, goal: _logistic(one, goal, penalty, True, deadline)).fit(matrix, truth), 0
        return _logistic(matrix, truth, penalty, task == "binary", deadline), 0

    return learn


def _logistic(matrix: Any, truth: np.ndarray, penalty: float, two: bool, deadline: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Newton's few exact steps beat hundreds of cheap ones while the Hessian is small.
    if two and matrix.shape[1] <= NEWTON_COLUMNS:
        return LogisticRegression(C=1 / penalty, max_iter=20_000, solver="newton-cholesky").fit(matrix, truth)
    # A few steps at a time, each from where the last ended, so that time can be looked at in between.
    model = LogisticRegression(C=1 / penalty, max_iter=STEPS, solver="lbfgs", warm_start=True)
    while model.fit(matrix, truth).n_iter_.max() >= STEPS and monotonic() < deadline:
        pass
    return model


LINEAR = Family(
    "linear",
    recipes.for_linear,
    learner,
    {"penalty 1": {"penalty": 1.0}, "penalty 30": {"penalty": 30.0}},
    readable=True,
)


def of_words(problem: Problem) -> Family:
    """The linear models where there are texts: rows of words have length 1, so they bear a far weaker penalty."""
    penalties = (0.2, 0.03) if problem.classes else (1.0, 10.0)
    presets = {f"penalty {penalty:g}": {"penalty": penalty} for penalty in penalties}
    return Family("words", recipes.for_texts, learner, presets, readable=True)
