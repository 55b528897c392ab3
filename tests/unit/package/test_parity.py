from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trained
from millrace.errors import PackageError, ParityError
from millrace.package import graph, parity
from millrace.package.estimators import lightgbm
from millrace.package.probes import probes
from millrace.records.encoding import NumberEncoding
from millrace.records.fit import Answer

TASKS = ("binary", "multiclass", "regression")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", trained.FAMILIES)
def test_every_family_answers_as_trained(task, family):
    fit = trained.fit(task, (family,))
    proof = parity.prove(graph.build(fit), fit)
    assert proof.difference <= 1e-5
    assert proof.rows > 150


MODELS = [
    (name, task) for name in trained.MODELS for task in TASKS if task != "regression" or name not in trained.FOR_CLASSES
]


@pytest.fixture(scope="module")
def modelled():
    """A fit of one model with its graph, made when it is first asked for."""

    @cache
    def make(name, task):
        fit = trained.fit(task, (name,))
        return fit, graph.build(fit)

    return make


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_every_model_answers_as_trained(modelled, name, task):
    fit, written = modelled(name, task)
    assert parity.prove(written, fit).difference <= 2e-6


@pytest.mark.parametrize("task", TASKS)
def test_an_ensemble_answers_as_its_weighted_average(task):
    fit = trained.fit(task, ("boosted", "linear"))
    assert parity.prove(graph.build(fit), fit).difference <= 2e-7


_NUMBER = st.none() | st.floats(-1e308, 1e308) | st.just(float("nan"))
_TEXT = (
    st.none()
    | st.sampled_from([*trained.CITIES, "basic", "gold", "", " ", "GOLD", "gold\u0301"])
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
)
_ROW = st.fixed_dictionaries(
    {
        "city": _TEXT,
        "age": _NUMBER | st.sampled_from([float("inf"), float("-inf"), 19.0, 70.5]),
        "plan": _TEXT,
        "income": _NUMBER,
        "seen": st.none() | st.integers(-(10**16), 10**16),
        "born": st.none() | st.integers(-700000, 700000),
    }
)


@pytest.fixture(scope="module")
def fits():
    return {task: trained.fit(task) for task in TASKS}


def _differs(fit, written, rows):
    raw = pl.DataFrame(
        rows,
        schema={
            "city": pl.String,
            "age": pl.Float64,
            "plan": pl.String,
            "income": pl.Float64,
            "seen": pl.Int64,
            "born": pl.Int32,
        },
    )
    frame = raw.with_columns(pl.col("seen").cast(pl.Datetime("us")), pl.col("born").cast(pl.Date))
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, on both sides
        expected = fit.reference(frame)
    return parity.compare(parity.run(written, frame, fit.signature), expected, fit).wrong.any()


@given(rows=st.lists(_ROW, min_size=1, max_size=8), task=st.sampled_from(TASKS))
@settings(max_examples=60)
def test_any_rows_are_answered_as_trained(fits, rows, task):
    assert not _differs(fits[task], graph.build(fits[task]), rows)


@given(rows=st.lists(_ROW, min_size=1, max_size=8), model=st.sampled_from(MODELS))
@settings(max_examples=150)
def test_any_rows_are_answered_as_trained_by_every_model(modelled, rows, model):
    assert not _differs(*modelled(*model), rows)


def test_the_same_fit_gives_the_same_bytes(fits):
    assert graph.build(fits["binary"]) == graph.build(fits["binary"])


def test_probes_hold_missing_values_unseen_texts_and_infinities(fits):
    rows = probes(fits["binary"])
    assert rows["age"].is_infinite().any()
    assert rows["income"].is_nan().any()
    assert {"never seen before", "Köln "} <= set(rows["city"])
    assert rows["born"].null_count() > 0


def test_a_wrong_estimator_is_named(fits):
    fit = fits["binary"]
    worse = trained.fit("binary", ("boosted", "linear"), seed=7)
    other = replace(fit, members=(fit.members[0], worse.members[1]))
    wrong = graph.build(other)
    with pytest.raises(ParityError, match=r"differs from the trained model in \d+ of 60 test rows"):
        parity.prove(wrong, fit)


def test_a_wrong_encoding_is_named(fits):
    fit = fits["regression"]
    linear = fit.members[1]
    other = replace(trained.MEAN, rows=((0.1, 3.0), (0.8, 1.0)))
    encodings = tuple(other if encoding is trained.MEAN else encoding for encoding in linear.encodings)
    wrong = replace(fit, members=(fit.members[0], replace(linear, encodings=encodings)))
    with pytest.raises(ParityError, match="encoding of column 'plan'"):
        parity.prove(graph.build(wrong), wrong)


def test_an_estimator_the_graph_gets_wrong_is_named(fits, monkeypatch):
    fit = fits["binary"]
    monkeypatch.setitem(lightgbm._LINKS, "binary", "Exp")
    with pytest.raises(ParityError, match="estimator LGBMClassifier of member 'boosted'"):
        parity.prove(graph.build(fit), fit)


def test_without_a_reference_only_test_rows_are_compared(fits):
    fit = replace(fits["binary"], reference=None)
    assert parity.prove(graph.build(fit), fit).rows == 60


def test_a_label_at_the_threshold_is_a_tie(fits):
    fit = fits["binary"]
    probability = np.array([[0.57, 0.43], [0.2, 0.8]], np.float32)
    answer = Answer(np.array([0, 1]), probability)
    expected = Answer(np.array([1, 1]), probability + np.float32([[-1e-6, 1e-6]]))
    found = parity.compare(answer, expected, fit)
    assert found.ties.tolist() == [True, False]
    assert found.wrong.tolist() == [False, False]


def test_a_label_far_from_the_threshold_is_wrong(fits):
    probability = np.array([[0.2, 0.8]], np.float32)
    found = parity.compare(Answer(np.array([0]), probability), Answer(np.array([1]), probability), fits["binary"])
    assert found.wrong.tolist() == [True]


def test_an_encoding_of_an_unknown_column_is_refused(fits):
    fit = fits["binary"]
    other = replace(fit, members=(replace(fit.members[0], encodings=(NumberEncoding("hight"),)),))
    with pytest.raises(PackageError, match="'hight' does not fit the signature"):
        graph.build(other)
