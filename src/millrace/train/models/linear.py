"""Linear models: logistic regression of classes, and ridge regression of values; with texts, of their words too."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np

from millrace.train import recipes
from millrace.train.models.base import Candidate, Family, Learn, Lesson, Problem, Settings, spread
from millrace.train.models.one_against import OneVsOneLogistic, OneVsRestLogistic

#: More rows than this change a linear model no more.
MAX_ROWS = 50_000
NEWTON_COLUMNS = 500
STEPS = 25
#: Tables with at least so many columns are wide; then so many of them, or of their components, are tried alone.
WIDE, BEST, COMPONENTS = 200, 100, 20


def learner(problem: Problem, settings: Settings) -> Learn:
    """Ridge, or logistic regression with the classes told apart as `settings` say."""
    penalty, classes = float(settings.get("penalty", 1.0)), settings.get("classes", "softmax")
    kind = {"one_vs_rest": OneVsRestLogistic, "one_vs_one": OneVsOneLogistic}.get(classes)
    task = problem.signature.task

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001 - no trees
        from sklearn.linear_model import Ridge

        chosen = spread(lesson.truth, problem.classes, MAX_ROWS)
        # float64: the solver's line search fails to make progress in float32.
        matrix, truth, weights = lesson.part(chosen)
        matrix = matrix.astype(np.float64)
        if task == "regression":
            return Ridge(alpha=penalty).fit(matrix, truth, weights), 0
        if kind is not None and task == "multiclass":
            two = kind(lambda one, goal, told: _logistic(one, goal, told, penalty, True, deadline))
            return two.fit(matrix, truth, weights), 0
        return _logistic(matrix, truth, weights, penalty, task == "binary", deadline), 0

    return learn


def _logistic(
    matrix: Any, truth: np.ndarray, weights: np.ndarray | None, penalty: float, two: bool, deadline: float
) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Newton's few exact steps beat hundreds of cheap ones while the Hessian is small.
    if two and matrix.shape[1] <= NEWTON_COLUMNS:
        return LogisticRegression(C=1 / penalty, max_iter=20_000, solver="newton-cholesky").fit(matrix, truth, weights)
    # A few steps at a time, each from where the last ended, so that time can be looked at in between.
    model = LogisticRegression(C=1 / penalty, max_iter=STEPS, solver="lbfgs", warm_start=True)
    while model.fit(matrix, truth, weights).n_iter_.max() >= STEPS and monotonic() < deadline:
        pass
    return model


LINEAR = Family(
    "linear",
    recipes.for_linear,
    learner,
    {"penalty 1": {"penalty": 1.0}, "penalty 30": {"penalty": 30.0}},
    readable=True,
)


def of_few(problem: Problem) -> tuple[Candidate, ...]:
    """For tables of very many columns: linear models of those that tell most, and of principal components.

    What helps depends on the table (a few telling columns, or a few things that all of them measure), so both are tried
    beside the model of all columns, and rows that are held out decide.
    """
    wishes = problem.features
    found: list[tuple[dict[str, int], str]] = []
    if wishes.select == "auto" and len(problem.signature.inputs) >= WIDE:
        found.append(({"select": BEST}, f"best {BEST} columns"))
    if wishes.pca == "auto" and sum(field.numeric for field in problem.signature.inputs) >= WIDE:
        found.append(({"pca": COMPONENTS}, f"{COMPONENTS} components"))
    return tuple(
        LINEAR.candidate(replace(problem, features=wishes.model_copy(update=wish)), label, {"penalty": 30.0})
        for wish, label in found
    )


def of_words(problem: Problem) -> Family:
    """The linear models where there are texts: rows of words have length 1, so they bear a far weaker penalty."""
    penalties = (0.2, 0.03) if problem.classes else (1.0, 10.0)
    presets = {f"penalty {penalty:g}": {"penalty": penalty} for penalty in penalties}
    return Family("words", recipes.for_texts, learner, presets, readable=True)
