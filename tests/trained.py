"""Small trained fits for tests, and the encodings applied one value at a time, straight from the records' words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from time import monotonic
from typing import Any

import lightgbm
import numpy as np
import polars as pl
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from millrace.config.models import Wanted
from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding, PeriodEncoding
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer, Fit, Member
from millrace.records.signature import Field, Signature, Task
from millrace.train.calling import Calling
from millrace.train.candidates import configured
from millrace.train.models.base import Lesson, Problem

ROWS = 240
CITIES = ("Köln", "Oslo", "東京", "Rio", "New York")
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}

NUMBERS = (
    NumberEncoding("age", fill=40.0, indicator=True, center=41.5, factor=1 / 12.3, low=19.0, high=70.5),
    NumberEncoding("income", fill=1000.0, center=1100.0, factor=0.003, low=-1e6, high=1e6),
)
RAW = (NumberEncoding("age"), NumberEncoding("income"))
PERIOD = (PeriodEncoding("seen", 604800.0, 1.0), PeriodEncoding("born", 31556952.0, 86400.0))
ONE_HOT = LookupEncoding(
    "city",
    CITIES[:4],
    tuple(tuple(float(i == j) for j in range(4)) for i in range(4)),
    missing=(0.0,) * 4,
    unseen=(0.25,) * 4,
)
MEAN = LookupEncoding("plan", ("basic", "gold"), ((0.1, 3.0), (0.7, 1.0)), missing=(0.4, 0.0), unseen=(0.5, -1.0))
ORDINAL = LookupEncoding("city", CITIES, tuple((float(i),) for i in range(5)), missing=(-1.0,), unseen=(-2.0,))
#: Interleaved on purpose: an encoder writes its columns together, the matrix must still have this order.
FOR_LINEAR: tuple[Encoding, ...] = (ONE_HOT, NUMBERS[0], PERIOD[0], MEAN, NUMBERS[1], PERIOD[1])
FOR_TREES: tuple[Encoding, ...] = (RAW[0], ORDINAL, RAW[1], MEAN, PERIOD[0])


def frame(seed: int = 0, rows: int = ROWS) -> pl.DataFrame:
    """Raw rows with blanks in every column."""
    random = np.random.default_rng(seed)

    def blank(values: Sequence[Any]) -> list[Any]:
        return [None if gone else value for value, gone in zip(values, random.random(rows) < 0.1, strict=True)]

    days = random.integers(-9000, 15000, rows)
    return pl.DataFrame(
        {
            "city": blank([CITIES[i] for i in random.integers(0, 5, rows)]),
            "age": blank([float(value) for value in random.normal(42, 12, rows)]),
            "plan": blank([("basic", "gold", "")[i] for i in random.integers(0, 3, rows)]),
            "income": blank([float(value) for value in random.normal(1100, 300, rows)]),
            "seen": pl.Series(blank([int(v) for v in random.integers(-(10**15), 2 * 10**15, rows)])).cast(
                pl.Datetime("us")
            ),
            "born": pl.Series(blank([int(day) for day in days])).cast(pl.Int32).cast(pl.Date),
        }
    )


def apply(rows: pl.DataFrame, encodings: Sequence[Encoding]) -> np.ndarray:
    """The float32 matrix of the encodings, value by value."""
    matrix = [[cell for encoding in encodings for cell in _cells(row, encoding)] for row in _plain(rows)]
    return np.array(matrix, np.float32).reshape(rows.height, sum(encoding.width for encoding in encodings))


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    seen = rows["seen"].cast(pl.Int64) / 1_000_000
    return rows.with_columns(seen=seen, born=rows["born"].cast(pl.Int32).cast(pl.Float64)).to_dicts()


def _cells(row: dict[str, Any], encoding: Encoding) -> Sequence[float]:
    value = row[encoding.column]
    if isinstance(encoding, LookupEncoding):
        if not value:
            return encoding.missing
        known = dict(zip(encoding.categories, encoding.rows, strict=True))
        return known.get(value, encoding.unseen)
    missing = value is None or math.isnan(value)
    if isinstance(encoding, PeriodEncoding):
        if missing:
            return (0.0, 0.0)
        turns = value * encoding.unit / encoding.seconds
        angle = (turns - math.floor(turns)) * (2 * math.pi)
        return (math.sin(angle), math.cos(angle))
    assert isinstance(encoding, NumberEncoding)
    if missing:
        value = math.nan if encoding.fill is None else encoding.fill
    else:
        value = max(value, -math.inf if encoding.low is None else encoding.low)
        value = min(value, math.inf if encoding.high is None else encoding.high)
    cell = (value - encoding.center) * encoding.factor
    return (cell, float(missing)) if encoding.indicator else (cell,)


def _boosted(task: Task, **settings: Any) -> Any:
    make = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    return make(n_estimators=12, num_leaves=7, min_child_samples=5, verbosity=-1, n_jobs=1, random_state=0, **settings)


def _linear(task: Task) -> Any:
    return Ridge(alpha=1.0) if task == "regression" else LogisticRegression(max_iter=2000)


def _dummy(task: Task) -> Any:
    return DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")


def _converted(task: Task) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.linear_model import BayesianRidge

    return BayesianRidge() if task == "regression" else QuadraticDiscriminantAnalysis(reg_param=0.2)


class Taught:
    """A model of the project file's grammar, with the `fit` that these fits are made with."""

    def __init__(self, task: Task, name: str, settings: Mapping[str, Any]) -> None:
        problem = Problem(signature(task), "auto", 0)
        self._learn = configured(Wanted(name, settings), settings, problem).learn

    def fit(self, matrix: np.ndarray, truth: np.ndarray) -> Any:
        """The estimator, taught until nothing is gained on the same rows."""
        return self._learn(Lesson(matrix, truth), 12, monotonic() + 60)[0]


def named(name: str, **settings: Any) -> Callable[[Task], Any]:
    """Makes a model that the project file names so."""
    return lambda task: Taught(task, name, settings)


#: Values of a column that enter as scikit-learn, XGBoost and CatBoost take them: bounded, so never infinite.
BOUNDED = (NumberEncoding("age", low=19.0, high=70.5), NumberEncoding("income", low=-1e6, high=1e6))
FOR_FORESTS: tuple[Encoding, ...] = (BOUNDED[0], ORDINAL, BOUNDED[1], MEAN)
#: Models of the project file's grammar, with encodings that suit them; the last ones are for classes alone.
MODELS: dict[str, tuple[Callable[[Task], Any], tuple[Encoding, ...]]] = {
    "one against the rest": (named("linear", classes="one_vs_rest"), FOR_LINEAR),
    "one against one": (named("linear", classes="one_vs_one"), FOR_LINEAR),
    "neighbours": (named("neighbors", n_neighbors=7), FOR_LINEAR),
    "weighted neighbours": (named("neighbors", n_neighbors=7, weights="distance"), FOR_LINEAR),
    "radial SVM": (named("svm", kernel="rbf"), FOR_LINEAR),
    "linear SVM": (named("svm", kernel="linear"), FOR_LINEAR),
    "tree": (named("tree"), FOR_FORESTS),
    "forest": (named("random_forest", n_estimators=10), FOR_FORESTS),
    "perceptron": (named("mlp", layers=2, width=16), FOR_LINEAR),
    "gaussian naive Bayes": (named("naive_bayes", kind="gaussian"), FOR_LINEAR),
    "bernoulli naive Bayes": (named("naive_bayes", kind="bernoulli"), FOR_LINEAR),
    "multinomial naive Bayes": (named("naive_bayes", kind="multinomial"), (ONE_HOT,)),
}
FOR_CLASSES = {name for name in MODELS if name.endswith("naive Bayes")}
for _library, _name in (("xgboost", "XGBoost"), ("catboost", "CatBoost")):
    if find_spec(_library):
        MODELS[_name] = (named(_library), FOR_FORESTS)
#: Each estimator family with encodings that suit it.
FAMILIES: dict[str, tuple[Callable[[Task], Any], tuple[Encoding, ...]]] = {
    "boosted": (_boosted, FOR_TREES),
    "linear": (_linear, FOR_LINEAR),
    "dummy": (_dummy, ()),
    "converted": (_converted, FOR_LINEAR),
}


def signature(task: Task) -> Signature:
    """Six inputs of every kind but boolean and integer."""
    kinds = {"city": "category", "age": "number", "plan": "category", "income": "number"}
    fields = [Field(name, kind) for name, kind in kinds.items()]  # type: ignore[arg-type]
    fields += [Field("seen", "datetime"), Field("born", "date")]
    inputs = tuple(Field(field.name, field.type, categories=CITIES if field.name == "city" else ()) for field in fields)
    return Signature(task, "target", inputs, CLASSES[task], "yes" if task == "binary" else None)


def target(rows: pl.DataFrame, task: Task, seed: int = 0) -> np.ndarray:
    """Something that depends on the columns, missing values included."""
    score = rows["income"].fill_null(900.0).to_numpy() / 300 + (rows["city"].fill_null("") == "Oslo").to_numpy() * 2.0
    score = score + rows["age"].is_null().to_numpy() + np.random.default_rng(seed).normal(size=rows.height)
    if task == "regression":
        return score * 100
    cuts = [score.mean()] if task == "binary" else np.quantile(score, [0.3, 0.7])
    return np.digitize(score, cuts)


def fit(task: Task = "binary", families: Sequence[str] = ("boosted", "linear"), seed: int = 0) -> Fit:
    """A fit of one member per family, averaged by unequal weights; its reference is `apply` and the estimators."""
    train, test = frame(seed), frame(seed + 1, 60)
    members = []
    for i, family in enumerate(families):
        make, encodings = (FAMILIES | MODELS)[family]
        matrix = apply(train, encodings) if encodings else np.zeros((train.height, 1), np.float32)
        estimator = make(task).fit(matrix, target(train, task, seed))
        members.append(Member(family, 0.7 if i == 0 else 0.3, encodings, estimator))
    return assemble(task, tuple(members), train, test)


def assemble(task: Task, members: tuple[Member, ...], train: pl.DataFrame, test: pl.DataFrame) -> Fit:
    """A fit of trained members."""
    threshold = 0.43 if task == "binary" else None

    def reference(rows: pl.DataFrame) -> Answer:
        return answer(rows, task, members, threshold)

    evaluation = Evaluation(task, {"roc_auc": Metric(0.81, 0.78, 0.84)}, "roc_auc", test.height, threshold=threshold)
    return Fit(
        signature(task), members, threshold, evaluation, train, test, reference(test), ("a note",), reference=reference
    )


def answer(rows: pl.DataFrame, task: Task, members: Sequence[Member], threshold: float | None) -> Answer:
    """The members' weighted answer from the in-memory estimators."""
    total: Any = 0.0
    for member in members:
        matrix = apply(rows, member.encodings) if member.encodings else np.zeros((rows.height, 1), np.float32)
        ask = member.estimator.predict if task == "regression" else member.estimator.predict_proba
        total = total + member.weight * ask(matrix)
    found = np.asarray(total / sum(member.weight for member in members), np.float32)
    if task == "regression":
        return Answer(value=found)
    label = found[:, 1] >= np.float32(threshold) if task == "binary" else found.argmax(axis=1)
    return Answer(label=label.astype(np.int64), probabilities=found)


def outputs(fit: Fit, rows: pl.DataFrame) -> np.ndarray:
    """The members' mean, float64, before anything follows."""
    total: Any = 0.0
    for member in fit.members:
        ask = member.estimator.predict if fit.signature.task == "regression" else member.estimator.predict_proba
        total = total + member.weight * ask(apply(rows, member.encodings))
    return np.asarray(total, np.float64)


def with_calling(fit: Fit, calling: Calling) -> Fit:
    """The fit with what follows the average of its members, in its reference too."""

    def reference(rows: pl.DataFrame) -> Answer:
        return calling.answer(outputs(fit, rows))

    return replace(
        fit,
        threshold=calling.threshold,
        calibration=calling.calibration,
        costs=calling.matrix(),
        conformal=calling.conformal,
        answer=reference(fit.test_rows),
        reference=reference,
    )
