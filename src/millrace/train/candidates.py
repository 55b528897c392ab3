"""The models that are tried, in the order in which they are worth the time.

A short portfolio comes before any search: most of what a search would find is bought by a few unlike configurations and
their blend (Salinas & Erickson, TabRepo, 2024). Where they are asked for, boosted trees drawn at random follow
(Bergstra & Bengio, Random search for hyper-parameter optimization, 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np

from millrace.config.schema import ModelSettings
from millrace.records.signature import Signature
from millrace.train import recipes

#: More rows than this change a linear model no more.
LINEAR_ROWS = 50_000
NEWTON_COLUMNS = 500
LINEAR_STEPS = 25
#: Every request walks every tree, so their number is bounded; trees grow once per class.
MAX_TREES = 1500
MAX_CLASS_TREES = 4000
PATIENCE = 40
#: More would choose by chance what seems best.
MAX_CANDIDATES = 100
#: A forest learns from at most this many rows, and its leaves are bounded: every one of them is in the package.
FOREST_ROWS = 100_000
FOREST_LEAVES = 2500
FOREST_TREES = 120
#: Forests grow by this many trees between two looks at the clock.
_FOREST_STEP = 10


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one estimator learns from: a float32 matrix and the truth; and the rows that tell when to stop.

    With `threads` more than one, LightGBM grows each tree in parallel; the trees are the same.
    """

    matrix: np.ndarray
    truth: np.ndarray
    check_matrix: np.ndarray | None = None
    check_truth: np.ndarray | None = None
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model worth trying: what it sees, and how it learns until a `time.monotonic` deadline.

    ``learn(lesson, trees, deadline)`` gives a fitted estimator and the number of trees that did best (0 where there
    are none); `trees` fixes that number, None lets the check rows decide.
    """

    name: str
    family: str
    recipe: recipes.Recipe
    learn: Callable[[Lesson, int | None, float], tuple[Any, int]]


_BOOSTED: Mapping[str, Mapping[str, Any]] = {
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
        "subsample_freq": 1,
    },
    "narrow": {
        "num_leaves": 16,
        "learning_rate": 0.04,
        "colsample_bytree": 0.3,
        "min_child_samples": 30,
        "subsample": 0.7,
        "subsample_freq": 1,
    },
    "deepest": {
        "num_leaves": 200,
        "learning_rate": 0.03,
        "colsample_bytree": 0.5,
        "min_child_samples": 5,
        "subsample": 0.7,
        "subsample_freq": 1,
    },
    "random splits": {"num_leaves": 64, "learning_rate": 0.06, "min_child_samples": 8, "extra_trees": True},
}


def portfolio(signature: Signature, metric: str, seed: int) -> tuple[Candidate, ...]:
    """The candidates for a task, in order: a linear one first, because it is cheap and hard to fool.

    Texts are for linear models of many words, and for naive Bayes; the other models see the other columns.
    """
    words = [field.type == "text" for field in signature.inputs]
    of_words = _of_words(signature) if any(words) else ()
    if all(words):
        return of_words
    boosted = [_boosted(name, signature, metric, seed, chosen) for name, chosen in _BOOSTED.items()]
    forests = [_forest(name, signature, seed) for name in ("extra trees", "random forest")]
    return (*of_words, _linear(signature, 1.0), *boosted[:2], *forests, _linear(signature, 30.0), *boosted[2:])


def candidates(signature: Signature, metric: str, settings: ModelSettings) -> Iterator[Candidate]:
    """The portfolio, then where asked boosted trees drawn at random, the same ones for the same seed; at most 100."""
    seed = settings.seed
    first = portfolio(signature, metric, seed)
    yield from first
    if settings.search == "random" and not all(field.type == "text" for field in signature.inputs):
        draw = np.random.default_rng(seed)
        for number in range(1, MAX_CANDIDATES - len(first) + 1):
            yield _boosted(f"drawn {number}", signature, metric, seed, _drawn(draw))


def _drawn(draw: np.random.Generator) -> Mapping[str, Any]:
    """Settings of boosted trees; sizes and rates by their logarithm."""
    return {
        "num_leaves": round(float(np.exp(draw.uniform(np.log(6), np.log(128))))),
        "learning_rate": float(np.exp(draw.uniform(np.log(0.02), np.log(0.1)))),
        "colsample_bytree": float(draw.uniform(0.25, 1.0)),
        "min_child_samples": round(float(np.exp(draw.uniform(np.log(3), np.log(60))))),
        "reg_lambda": float(np.exp(draw.uniform(np.log(0.01), np.log(20)))),
        "subsample": float(draw.uniform(0.6, 1.0)),
        "subsample_freq": 1,
        "extra_trees": bool(draw.uniform() < 0.3),
    }


def _of_words(signature: Signature) -> tuple[Candidate, ...]:
    """Rows of words have length 1, so they bear a far weaker penalty than standardised columns."""
    penalties = (1.0, 10.0) if signature.task == "regression" else (0.2, 0.03)
    linear = tuple(
        replace(_linear(signature, one), name=f"words, penalty {one:g}", family="words", recipe=recipes.for_texts)
        for one in penalties
    )
    return linear if signature.task == "regression" else (_naive_bayes(), *linear)


def _naive_bayes() -> Candidate:
    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001
        from sklearn.naive_bayes import MultinomialNB

        return MultinomialNB(alpha=0.2).fit(lesson.matrix, lesson.truth), 0

    return Candidate("naive Bayes of words", "naive Bayes", recipes.for_words, learn)


def _linear(signature: Signature, penalty: float) -> Candidate:
    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:  # noqa: ARG001 - no trees
        from sklearn.linear_model import LogisticRegression, Ridge

        chosen = _spread(lesson.truth, signature.task != "regression", LINEAR_ROWS)
        # float64: the solver's line search fails to make progress in float32.
        matrix, truth = lesson.matrix[chosen].astype(np.float64), lesson.truth[chosen]
        if signature.task == "regression":
            return Ridge(alpha=penalty).fit(matrix, truth), 0
        # Newton's few exact steps beat hundreds of cheap ones while the Hessian is small.
        exact = signature.task == "binary" and matrix.shape[1] <= NEWTON_COLUMNS
        if exact:
            return LogisticRegression(C=1 / penalty, max_iter=20_000, solver="newton-cholesky").fit(matrix, truth), 0
        # A few steps at a time, each from where the last ended, so that time can be looked at in between.
        model = LogisticRegression(C=1 / penalty, max_iter=LINEAR_STEPS, solver="lbfgs", warm_start=True)
        while model.fit(matrix, truth).n_iter_.max() >= LINEAR_STEPS and monotonic() < deadline:
            pass
        return model, 0

    return Candidate(f"linear, penalty {penalty:g}", "linear", recipes.for_linear, learn)


def _spread(truth: np.ndarray, classes: bool, most: int) -> np.ndarray:
    """Row numbers of about `most` rows, evenly spread (within the order of classes, so none is lost)."""
    order = np.argsort(truth, kind="stable") if classes else np.arange(len(truth))
    step = max(1, -(-len(truth) // most))
    if step == 1:
        return np.arange(len(truth))
    first = np.unique(truth[order], return_index=True)[1] if classes else np.array([0])
    return np.sort(order[np.union1d(np.arange(0, len(truth), step), first)])


def _forest(name: str, signature: Signature, seed: int) -> Candidate:
    classes = signature.task != "regression"

    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        from sklearn import ensemble

        chosen = _spread(lesson.truth, classes, FOREST_ROWS)
        matrix, truth = lesson.matrix[chosen], lesson.truth[chosen]
        kind = ("ExtraTrees" if name == "extra trees" else "RandomForest") + ("Classifier" if classes else "Regressor")
        forest = getattr(ensemble, kind)(
            max_features="sqrt" if classes else 0.5,
            min_samples_leaf=max(1, -(-len(truth) // FOREST_LEAVES) // 2),
            random_state=seed,
            warm_start=True,
            n_jobs=1,
        )
        most = trees or FOREST_TREES
        for count in [*range(_FOREST_STEP, most, _FOREST_STEP), most]:
            forest.set_params(n_estimators=count).fit(matrix, truth)
            if monotonic() > deadline:
                break
        return forest, len(forest.estimators_)

    return Candidate(name, "forest", recipes.for_forests, learn)


def _boosted(name: str, signature: Signature, metric: str, seed: int, chosen: Mapping[str, Any]) -> Candidate:
    def learn(lesson: Lesson, trees: int | None, deadline: float) -> tuple[Any, int]:
        import lightgbm

        most = MAX_TREES
        if signature.task == "multiclass":
            most = max(100, MAX_CLASS_TREES // len(signature.classes))
        settings = dict(chosen) | {
            "n_estimators": trees or most,
            "random_state": seed,
            "n_jobs": lesson.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        # In small tables a leaf of 40 rows would be most of the table.
        fewest = settings.get("min_child_samples", 20)
        settings["min_child_samples"] = min(fewest, max(2, len(lesson.truth) // 20))
        make = lightgbm.LGBMRegressor if signature.task == "regression" else lightgbm.LGBMClassifier
        if metric in ("mae", "median_ae"):
            settings["objective"] = "mae"
        estimator = make(**settings)
        calls = [_stop_at(deadline)]
        check: dict[str, Any] = {}
        if trees is None and lesson.check_matrix is not None:
            calls.append(lightgbm.early_stopping(PATIENCE, verbose=False))
            check = {"eval_X": lesson.check_matrix, "eval_y": lesson.check_truth}
        estimator.fit(lesson.matrix, lesson.truth, callbacks=calls, **check)
        return estimator, int(estimator.best_iteration_ or settings["n_estimators"])

    return Candidate(f"LightGBM, {name}", "LightGBM", recipes.for_trees, learn)


def _stop_at(deadline: float) -> Callable[[Any], None]:
    """A LightGBM callback that ends boosting when time is up, keeping the trees grown so far."""

    def callback(state: Any) -> None:
        if monotonic() > deadline:
            from lightgbm.callback import EarlyStopException

            raise EarlyStopException(state.iteration, state.evaluation_result_list or [])

    return callback
