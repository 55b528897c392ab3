"""Every model that a project file may name learns, with every setting that it may state; the others say why not."""

from dataclasses import replace

import numpy as np
import pytest

from millrace.config.features import FeatureSettings
from millrace.config.models import MODELS, Wanted, parse_models
from millrace.errors import TrainingError
from millrace.records.signature import Field, Signature
from millrace.train.candidates import configured, portfolio
from millrace.train.models.base import Lesson, Problem
from millrace.train.models.registry import family

NUMBERS = (Field("a", "number"), Field("plan", "category"))


def problem(task="binary", inputs=NUMBERS):
    classes = {"binary": ("no", "yes"), "multiclass": ("x", "y", "z"), "regression": ()}[task]
    return Problem(Signature(task, "target", inputs, classes), "auto", 0)


SETTINGS = [
    (model, name, option.words[-1] if option.words else option.usual[0])
    for model, options in MODELS.items()
    for name, option in options.items()
]


@pytest.mark.parametrize(("model", "name", "value"), SETTINGS)
def test_every_setting_is_taken(model, name, value):
    if model in ("xgboost", "catboost"):
        pytest.importorskip(model, reason=f"the extra {model} is not installed")
    random = np.random.default_rng(0)
    matrix = np.abs(random.normal(size=(120, 2))).astype(np.float32)
    truth = (matrix[:, 0] > 0.7).astype(np.int64)
    (wanted,) = parse_models([{model: {name: value}}])
    learn = configured(wanted, wanted.settings, problem()).learn
    estimator, _ = learn(Lesson(matrix, truth), 5, np.inf)
    found = estimator.predict_proba(matrix)
    assert found.shape == (120, 2)
    assert ((found >= 0) & (found <= 1)).all()


def test_a_setting_changes_what_is_learned():
    matrix = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    truth = (matrix[:, 0] > 0).astype(np.int64)
    weights = []
    for penalty in (0.1, 100):
        learn = configured(Wanted("linear", {}), {"penalty": penalty}, problem()).learn
        weights.append(learn(Lesson(matrix, truth), None, np.inf)[0].coef_[0, 0])
    assert weights[0] > 5 * weights[1]


def test_a_model_of_classes_refuses_values():
    with pytest.raises(TrainingError, match="`naive_bayes` tells classes apart; the target is a value"):
        family(Wanted("naive_bayes", {}), problem("regression"))


def test_a_model_that_reads_no_texts_refuses_texts_alone():
    with pytest.raises(TrainingError, match="`svm` reads no texts"):
        family(Wanted("svm", {}), problem(inputs=(Field("title", "text"),)))


def test_naive_bayes_of_numbers_refuses_texts_alone():
    with pytest.raises(TrainingError, match="`naive_bayes` of kind gaussian reads no texts, and there is nothing else"):
        family(Wanted("naive_bayes", {"kind": "gaussian"}), problem(inputs=(Field("title", "text"),)))


def test_linear_models_read_words_where_there_are_texts():
    assert family(Wanted("linear", {}), problem(inputs=(*NUMBERS, Field("title", "text")))).name == "words"


@pytest.mark.parametrize(("columns", "extra"), [(199, 0), (200, 2)])
def test_wide_tables_are_tried_with_few_columns_and_with_components(columns, extra):
    wide = problem(inputs=tuple(Field(f"x{place}", "number") for place in range(columns)))
    names = [one.name for one in portfolio(wide)]
    assert len(names) == len(portfolio(problem())) + extra
    assert ("linear, best 100 columns" in names, "linear, 20 components" in names) == (extra > 0, extra > 0)
    off = replace(wide, features=FeatureSettings.model_validate({"select": "none", "pca": "none"}))
    assert len(portfolio(off)) == len(portfolio(problem()))
