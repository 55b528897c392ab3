"""What training makes of a project file's words on calibration, thresholds, costs and conformal answers."""

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.package.graph import build
from millrace.package.parity import prove
from millrace.train.stage import train


def settings(**more):
    return ModelSettings.model_validate({"predict": "target", "budget": 1, **more})


def table(load):
    data = load()
    names = [name.replace(" ", "_") for name in data.feature_names]
    return pl.DataFrame(data.data, schema=names).with_columns(target=pl.Series(data.target))


def noisy(rows=3000):
    """A column that says the class as far as it can be known, and many that mislead."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=rows)
    truth = rng.random(rows) < 1 / (1 + np.exp(-signal))
    noise = {f"n{i}": rng.normal(size=rows) for i in range(3)}
    return pl.DataFrame({"x": signal, **noise, "target": np.where(truth, "yes", "no")})


def test_costs_call_what_is_expected_to_cost_least():
    fit = train(table(load_breast_cancer), settings(metric={"cost": {"false_positive": 1, "false_negative": 8}}))
    assert fit.evaluation.primary == "cost"
    assert fit.evaluation.advice.startswith("A row costs ")
    assert fit.threshold == pytest.approx(1 / 9)
    assert fit.answer.costs is not None
    expected = fit.answer.probabilities @ np.array(fit.costs)
    np.testing.assert_allclose(fit.answer.costs, expected, atol=1e-5)
    assert prove(build(fit), fit).difference < 1e-5


def test_costs_by_class_move_the_calls_of_many_classes():
    frame = table(load_wine).with_columns(target=pl.col("target").replace_strict({0: "a", 1: "b", 2: "c"}))
    dear = {"a": {"b": 100}, "c": {"b": 100}}
    fit = train(frame, settings(metric={"cost": dear}))
    assert fit.costs == ((0.0, 100.0, 1.0), (1.0, 0.0, 1.0), (1.0, 100.0, 0.0))
    called = np.array(fit.evaluation.confusion)
    assert called[0, 1] == called[2, 1] == 0
    assert prove(build(fit), fit).difference < 1e-5


def test_a_class_that_is_not_there_is_refused_before_anything_is_learned():
    with pytest.raises(TrainingError, match="`dgo` is not a class") as caught:
        train(noisy(100), settings(metric={"cost": {"dgo": {"yes": 2}}}))
    assert caught.value.where == "model.metric.cost"


def test_costs_of_a_value_are_refused():
    with pytest.raises(TrainingError, match="only calls of classes have costs"):
        train(table(load_diabetes), settings(metric={"cost": {"false_positive": 1, "false_negative": 8}}))


def test_a_floor_under_recall_is_held_out_of_fold_and_nearly_on_new_rows():
    fit = train(noisy(), settings(threshold="recall >= 0.95"))
    assert fit.evaluation.metrics["recall"].high >= 0.95
    assert fit.evaluation.metrics["recall"].value > 0.9


def test_a_floor_out_of_reach_is_said():
    fit = train(noisy(400), settings(threshold="precision >= 1.0, maximise recall", positive="yes"))
    assert any("No threshold has precision of 1" in note for note in fit.notes) or fit.threshold > 0.5


def test_a_stated_threshold_is_taken():
    assert train(noisy(200), settings(threshold=0.25)).threshold == 0.25


def test_a_threshold_for_many_classes_is_refused():
    with pytest.raises(TrainingError, match="A threshold is for two classes"):
        train(table(load_wine), settings(threshold=0.3))


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_a_stated_calibration_is_in_the_package_with_what_was_before(method):
    fit = train(noisy(), settings(calibrate=method))
    assert fit.calibration.method == method
    assert set(fit.evaluation.uncalibrated) == {"log_loss", "brier", "ece"}
    assert any(note.startswith(f"Probabilities are calibrated by {method}") for note in fit.notes)
    assert prove(build(fit), fit).difference < 1e-5


def test_honest_probabilities_are_left_alone():
    fit = train(noisy(), settings())
    assert fit.calibration is None
    assert not fit.evaluation.uncalibrated


@pytest.mark.parametrize(
    ("frame", "more"),
    [
        pytest.param(lambda: noisy(500), {}, id="two classes"),
        pytest.param(lambda: table(load_wine), {}, id="three classes"),
        pytest.param(lambda: table(load_diabetes), {}, id="values"),
        pytest.param(lambda: noisy(500), {"conformal": {"coverage": "80%", "by": "class"}}, id="by class"),
    ],
)
def test_answers_say_what_else_may_be_true(frame, more):
    fit = train(frame(), settings(budget=2, **more))
    seen = fit.evaluation.surroundings
    assert seen.promised == (0.8 if more else 0.9)
    said = any(note.startswith("Warning: sets or intervals made to hold") for note in fit.notes)
    assert said is (seen.covered.high < seen.promised)  # a loaded machine may cut the last fit short
    assert seen.size.value > 0
    assert prove(build(fit), fit).difference < 1e-5


def test_nothing_surrounds_where_nothing_is_to():
    fit = train(noisy(200), settings(conformal="none"))
    assert (fit.conformal, fit.answer.inside, fit.evaluation.surroundings) == (None, None, None)


def test_a_broken_promise_is_said():
    late = noisy(2000).with_columns(day=pl.int_range(pl.len()))
    last = pl.col("day") >= 1700
    shifted = late.with_columns(
        target=pl.when(last)
        .then(pl.when(pl.col("target") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")))
        .otherwise("target"),
        x=pl.when(last).then(pl.col("x") * 3).otherwise("x"),
    )
    fit = train(shifted, settings(split={"time": "day"}))
    assert any(note.startswith("Warning: sets or intervals made to hold the truth in 90%") for note in fit.notes)
