"""A single decision tree, which a person can read, and forests of many."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from millrace.train import recipes
from millrace.train.models.base import Family, Learn, Lesson, Problem, Settings, spread

#: A forest learns from at most this many rows, and its leaves are bounded: every one of them is in the package.
MAX_ROWS = 100_000
LEAVES = 2500
TREES = 120
#: Forests grow by this many trees between two looks at the clock.
_STEP = 10
#: Deeper, a single tree is no longer read by anybody.
_DEPTH = 6


def single(problem: Problem, settings: Settings) -> Learn:
    """One tree, by default shallow and with leaves that are no chance finds."""

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        make = DecisionTreeClassifier if problem.classes else DecisionTreeRegressor
        leaf = settings.get("min_samples_leaf", max(5, len(lesson.truth) // 200))
        tree = make(max_depth=settings.get("max_depth", _DEPTH), min_samples_leaf=leaf, random_state=problem.seed)
        return tree.fit(lesson.matrix, lesson.truth, lesson.weights), 0

    return learn


def forest(kind: str) -> Any:
    """How a forest of scikit-learn's `kind` learns."""

    def learner(problem: Problem, settings: Settings) -> Learn:
        def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
            return _grown(kind, problem, settings, lesson, trees, deadline)

        return learn

    return learner


def _grown(
    kind: str, problem: Problem, settings: Mapping[str, Any], lesson: Lesson, trees: int | None, deadline: float
) -> tuple[Any, int]:
    from sklearn import ensemble

    chosen = spread(lesson.truth, problem.classes, MAX_ROWS)
    matrix, truth, weights = lesson.part(chosen)
    made = getattr(ensemble, kind + ("Classifier" if problem.classes else "Regressor"))(
        max_features=settings.get("max_features", "sqrt" if problem.classes else 0.5),
        min_samples_leaf=settings.get("min_samples_leaf", max(1, -(-len(truth) // LEAVES) // 2)),
        random_state=problem.seed,
        warm_start=True,
        n_jobs=1,
    )
    most = trees or settings.get("n_estimators", TREES)
    for count in [*range(_STEP, most, _STEP), most]:
        made.set_params(n_estimators=count).fit(matrix, truth, weights)
        if monotonic() > deadline:
            break
    return made, len(made.estimators_)


TREE = Family("tree", recipes.for_forests, single, {f"depth {_DEPTH}": {}}, readable=True)
EXTRA_TREES = Family("extra trees", recipes.for_forests, forest("ExtraTrees"), {"": {}}, group="forest")
RANDOM_FOREST = Family("random forest", recipes.for_forests, forest("RandomForest"), {"": {}}, group="forest")
