"""Naive Bayes: of numbers (Gaussian), of what lies above the middle (Bernoulli), of words and categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.errors import TrainingError
from millrace.train import recipes
from millrace.train.models.base import CLASSES, Family, Learn, Lesson, Problem, Settings

#: Of the largest variance; far above scikit-learn's, because a one-hot column that a class lacks has none at all.
_VARIANCE = 1e-3


def learner(problem: Problem, settings: Settings) -> Learn:
    """One of the three, by ``kind``."""
    kind = settings.get("kind", "gaussian")
    if kind == "multinomial" and all(field.numeric for field in problem.signature.inputs):
        raise TrainingError(
            "Multinomial naive Bayes counts words and categories, and there are none.",
            where="model.models",
            code="train.model",
            allowed=["kind: gaussian", "kind: bernoulli"],
        )

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001
        from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB

        if kind == "gaussian":
            model: Any = GaussianNB(var_smoothing=settings.get("smoothing", _VARIANCE))
            return model.fit(lesson.matrix.astype(np.float64), lesson.truth, lesson.weights), 0
        make = BernoulliNB if kind == "bernoulli" else MultinomialNB
        model = make(alpha=settings.get("smoothing", 0.2))
        return model.fit(lesson.matrix, lesson.truth, sample_weight=lesson.weights), 0

    return learn


def family(kind: str) -> Family:
    """Naive Bayes of one kind."""
    recipe = recipes.for_counts if kind == "multinomial" else recipes.for_linear
    return Family("naive Bayes", recipe, learner, {kind: {"kind": kind}}, CLASSES, readable=True)


#: Where there are texts: of their words alone, none of them below zero.
OF_WORDS = Family(
    "naive Bayes", recipes.for_words, learner, {"of words": {"kind": "multinomial"}}, CLASSES, readable=True
)
