"""Whatever a model learned from, and whatever it is asked: the graph gives its answers.

Every model and every wish for columns that a project file may name is learned as training learns it, from a small frame
that means trouble, and packed; other such rows are then answered by both. `MILLRACE_FAULTS=50` tries fifty times as
many.
"""

from __future__ import annotations

import math
import os
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import hostile
from millrace.config.models import MODELS, Option, parse_models
from millrace.config.schema import ModelSettings
from millrace.config.units import Trials
from millrace.engine.clock import Clock
from millrace.errors import TrainingError
from millrace.package import parity
from millrace.package.graph import build
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Fit
from millrace.records.signature import Signature
from millrace.train.calling import calling_of
from millrace.train.candidates import asked
from millrace.train.columns import describe, type_columns
from millrace.train.ensemble import taught
from millrace.train.models.base import Problem
from millrace.train.quiet import quiet
from millrace.train.scorer import deciding_metric, scorer
from millrace.train.shaping import check_wishes
from millrace.train.target import answered, read_target
from millrace.train.trials import Classroom, outputs_of, try_candidates

SERIES = int(os.environ.get("MILLRACE_FAULTS", "1"))
ROWS = 90

#: Small enough to be learned at once.
_SIZES: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10},
    "extra_trees": {"n_estimators": 10},
    "lightgbm": {"learning_rate": 0.3},
    "mlp": {"layers": 2, "width": 8},
    "catboost": {"depth": 3},
}
_MODELS = [name for name in MODELS if name not in ("xgboost", "catboost") or find_spec(name)]


@st.composite
def models(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A model as a project file names it: each of its words, and numbers at the ends of what is allowed and usual."""
    sizes = _SIZES.get(name, {})
    found = {key: draw(_setting(option)) for key, option in MODELS[name].items() if key not in sizes}
    return {name: sizes | {key: value for key, value in found.items() if value is not None}}


def _setting(option: Option) -> st.SearchStrategy[Any]:
    if option.words:
        return st.sampled_from(option.words)
    ends = [*option.usual, option.low, *([] if option.high == math.inf or option.whole else [option.high])]
    return st.none() | st.sampled_from([int(end) if option.whole else float(end) for end in ends])


_COLUMN = {
    "scale": st.sampled_from(["auto", "standard", "robust", "power", "quantile", "none"]),
    "encode": st.sampled_from(["auto", "one_hot", "ordinal", "target"]),
    "clip": st.sampled_from(["auto", 0.01, 0.2]),
    "missing": st.sampled_from(["auto", "indicator", "fill"]),
}
_FEATURES = st.fixed_dictionaries(
    _COLUMN | {"pca": st.sampled_from(["none", 1, 2, 0.5, 0.95]), "select": st.sampled_from(["auto", 1, 3])}
)


@st.composite
def lessons(draw: st.DrawFn, model: str) -> tuple[pl.DataFrame, ModelSettings]:
    """A frame to learn from, and what a project file says of the model, alone or beside another one."""
    kinds = ["categories", "far", *draw(st.lists(st.sampled_from([*hostile.KINDS]), min_size=1, max_size=5))]
    task = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    frame = hostile.frame(tuple(kinds), draw(st.integers(0, 2**32 - 1)), ROWS)
    wishes = draw(_FEATURES)
    dates = [name for name in frame.columns if "date" in name]
    if dates and draw(st.booleans()):
        wishes["age_at"] = draw(st.sampled_from(dates))
    beside = draw(st.sampled_from([None, *_MODELS]))
    named = [draw(models(name)) for name in (model, beside) if name is not None]
    told: dict[str, Any] = {"predict": "y", "models": named, "features": wishes}
    if task != "regression":
        told["calibrate"] = draw(st.sampled_from(["none", "temperature", "sigmoid", "isotonic"]))
        told["conformal"] = draw(st.sampled_from(["none", {"coverage": 0.8, "by": "class"}, {"coverage": 0.9}]))
        if draw(st.booleans()):
            told["metric"] = {"cost": {"a": {"b": 5}}}
    told["resample"] = "none" if task == "regression" else draw(st.sampled_from(["none", "over", "under"]))
    return frame.with_columns(_target(frame, task, draw(st.integers(0, 2**32 - 1))).alias("y")), ModelSettings(**told)


def _target(frame: pl.DataFrame, task: str, number: int) -> pl.Series:
    random = np.random.default_rng(number)
    score = (
        frame[frame.columns[0]].rank().cast(pl.Float64).fill_null(0).to_numpy() / ROWS + random.normal(size=ROWS) / 3
    )
    if task == "regression":
        return pl.Series(score * 10.0 ** int(random.integers(-6, 7)) + random.choice([0.0, 1e6]))
    cuts = np.quantile(score, [0.4] if task == "binary" else [0.3, 0.6])
    return pl.Series([("a", "b", "ü")[place] for place in np.digitize(score, cuts)])


def learned(frame: pl.DataFrame, told: ModelSettings) -> Fit:
    """What training would learn of all rows, without judging it."""
    rows, _ = answered(frame, told)
    target, _ = read_target(rows, told)
    fields, _ = type_columns(rows, told)
    check_wishes(fields, told.features)
    rows = rows.select(*(field.name for field in fields), "y")
    signature = Signature(target.task, "y", describe(rows, fields), target.classes, target.positive)
    part = np.arange(rows.height) % 2
    turns = [(np.flatnonzero(part == side), np.flatnonzero(part != side)) for side in (0, 1)]
    room = Classroom(rows, target.truth, signature, turns, told.resample, told.seed)
    metric = deciding_metric(told, room.truth, signature)
    chooser, clock = scorer(metric, signature), Clock(Trials(9))
    wanted = asked(parse_models(told.models), Problem(signature, metric, 0, told.features))
    trials = try_candidates(room, wanted, chooser, clock)
    weights = {place: 1 / len(trials) for place in range(len(trials))}
    members = taught(room, trials, weights, clock)
    calling, _ = calling_of(room, trials, weights, metric, told)
    outputs = outputs_of(members, rows, signature)
    return Fit(
        signature=signature,
        members=members,
        threshold=calling.threshold,
        evaluation=Evaluation(target.task, {}, metric, rows.height, threshold=calling.threshold),
        train_rows=rows,
        test_rows=rows,
        answer=calling.answer(outputs),
        notes=(),
        reference=lambda some: calling.answer(outputs_of(members, some, signature)),
        calibration=calling.calibration,
        uncalibrated=None if calling.calibration is None else outputs,
        costs=calling.matrix(),
        conformal=calling.conformal,
    )


@pytest.mark.parametrize("model", _MODELS)
@seed(SERIES)
@given(data=st.data(), number=st.integers(0, 2**32 - 1))
@settings(max_examples=5 * SERIES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_frame_gives_a_package_that_answers_as_trained(model, data, number):
    frame, told = data.draw(lessons(model))
    try:
        with quiet():
            fit = learned(frame, told)
    except TrainingError:
        return  # refused in words before anything was learned
    graph = build(fit)
    parity.prove(graph, fit)
    rows = hostile.others(frame.drop("y"), number, 60)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = fit.reference(rows)
    assert not parity.compare(parity.run(graph, rows, fit.signature), expected, fit).wrong.any()
