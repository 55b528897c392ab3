"""A retraining learns from the rows that it asks for, or from all of them by what they weigh, and says which."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from millrace.config.models import MODELS, parse_models
from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.records.signature import Field, Signature
from millrace.records.window import Window
from millrace.train.candidates import asked
from millrace.train.held_out import held_out
from millrace.train.models.base import Lesson, Problem
from millrace.train.stage import train
from millrace.train.target import Target
from millrace.train.window import windowed

FIRST = date(2026, 1, 1)
VALUES = Target("regression", (), None, np.zeros(0))


def days(count: int, each: int = 1) -> pl.DataFrame:
    """So many days from the first of January on, with so many rows each."""
    return pl.DataFrame({"day": [FIRST + timedelta(days=n // each) for n in range(count * each)]})


def test_the_newest_are_counted_back_from_the_newest_row() -> None:
    found = windowed(days(100, each=60), VALUES, "day", Window("newest 9 days", seconds=9 * 86400))
    assert found.kept.sum() == 10 * 60  # the tenth day is exactly nine days before the newest
    assert found.used.start == "2026-04-01T00:00:00+00:00"
    assert (found.used.end, found.used.used, found.used.of) == ("2026-04-10T00:00:00+00:00", 600, 6000)
    assert found.used.said == "600 of 6,000 rows are used, those from 2026-04-01 on."


def test_since_a_time_is_told_with_its_reason() -> None:
    window = Window("since drift", start="2026-03-01T12:00:00+02:00", why="drift was seen")
    found = windowed(days(100, each=60), VALUES, "day", window)
    assert found.kept.sum() == 40 * 60  # from 2 March to 10 April: 1 March began before
    assert "from 2026-03-01 10:00 UTC on: drift was seen." in found.used.said


def test_too_few_rows_are_no_window() -> None:
    found = windowed(days(100, each=49), VALUES, "day", Window("newest 9 days", seconds=9 * 86400))
    assert found.kept.all()
    assert found.used.start == ""
    assert found.used.said == "All 4,900 rows are used: only 490 are from 2026-04-01 on, fewer than 500."


def test_too_few_rows_of_a_class_are_no_window() -> None:
    truth = np.zeros(6000, np.int64)
    truth[:100], truth[5991:] = 1, 1
    found = windowed(days(100, each=60), Target("binary", ("no", "yes"), "yes", truth), "day", Window("", seconds=9e5))
    assert found.kept.all()
    assert "only 9 of class `yes`" in found.used.said


def test_where_nothing_stands_all_rows_are_used() -> None:
    found = windowed(days(20), VALUES, "day", Window("since drift", why="neither drift nor harm stands"))
    assert found.used.said == "All 20 rows are used: neither drift nor harm stands."


def test_rows_without_a_time_are_the_oldest() -> None:
    frame = days(600).with_columns(day=pl.when(pl.int_range(600) >= 500).then("day"))
    weights = windowed(frame, VALUES, "day", Window("weighted", weighted=True, half_life=33 * 86400.0)).weights
    assert weights is not None
    assert weights[[0, 499, 500, -1]] == pytest.approx([0.125, 0.125, 0.125, 1.0])


def test_a_weight_is_halved_with_every_half_life() -> None:
    window = Window("weighted 10 days", weighted=True, half_life=864000.0)
    found = windowed(days(31), VALUES, "day", window)
    assert found.weights is not None
    assert found.weights[[0, 10, 20, 30]] == pytest.approx([0.125, 0.25, 0.5, 1.0])
    assert "each worth half of one that is 10 days newer" in found.used.said
    assert found.used.half_life == 864000.0


def test_a_column_that_holds_no_dates_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"`n` holds Int64 values; how old a row is, only dates tell"):
        windowed(pl.DataFrame({"n": [1, 2]}), VALUES, "n", Window("weighted", weighted=True))


def turned(count: int = 1200) -> pl.DataFrame:
    """Rows of which the first two thirds say the opposite of the last third, one an hour."""
    x = np.random.default_rng(0).integers(0, 5, count) - 1.5
    low = np.arange(count) < count * 2 // 3
    hours = [FIRST + timedelta(days=n // 24) for n in range(count)]
    return pl.DataFrame({"x": x, "day": hours, "y": np.where((x > 0) != low, "yes", "no")})


@pytest.mark.parametrize(
    ("window", "right"),
    [
        (None, False),
        (Window("newest 25 days", seconds=25 * 86400.0), True),
        (Window("weighted 2 days", weighted=True, half_life=2 * 86400.0), True),
    ],
    ids=["all", "newest", "weighted"],
)
def test_what_is_newer_is_what_is_learned_and_what_judges(window: Window | None, right: bool) -> None:
    settings = ModelSettings.model_validate(
        {"predict": "y", "budget": "1 trials", "models": ["tree"], "split": {"time": "day", "test": "25%"}}
    )
    frame = turned()
    fit = train(frame, settings, window=window)
    assert (fit.evaluation.metrics["roc_auc"].value > 0.5) is right
    assert fit.test_rows["x"].to_list() == frame["x"][-fit.test_rows.height :].to_list()  # the newest of all
    assert (fit.used is None) is (window is None)
    if window is not None and not window.weighted:
        assert fit.used
        assert fit.test_rows.height + fit.train_rows.height == fit.used.used
        rows, truth = held_out(frame, settings, fit.used.start)
        assert rows.equals(fit.test_rows.select(rows.columns))
        assert truth.tolist() == fit.truth().tolist()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns_what_weighs(model: str) -> None:
    if model in ("xgboost", "catboost"):
        pytest.importorskip(model, reason=f"the extra {model} is not installed")
    x = np.random.default_rng(0).integers(0, 2, (400, 2)).astype(np.float32)  # nothing tells the old rows apart
    true, old = (x[:, 0] > 0.7).astype(np.int64), np.arange(400) % 4 > 0
    weights = np.where(old, 0.01, 1.0)
    signature = Signature("binary", "y", (Field("a", "number"), Field("b", "number")), ("no", "yes"))
    candidate = asked(parse_models([model]), Problem(signature, "auto", 0))[0]
    lesson = Lesson(x, np.where(old, 1 - true, true), weights=weights / weights.mean())
    estimator, _ = candidate.learn(lesson, 20, np.inf)
    assert ((estimator.predict_proba(x)[:, 1] > 0.5) == true).mean() == 1


@pytest.mark.parametrize("model", [name for name in MODELS if name != "naive_bayes"])
def test_every_model_of_values_learns_what_weighs(model: str) -> None:
    if model in ("xgboost", "catboost"):
        pytest.importorskip(model, reason=f"the extra {model} is not installed")
    x = np.random.default_rng(0).integers(0, 2, (400, 2)).astype(np.float32)
    true, old = x[:, 0].astype(np.float64), np.arange(400) % 4 > 0
    weights = np.where(old, 0.01, 1.0)
    signature = Signature("regression", "y", (Field("a", "number"), Field("b", "number")), ())
    candidate = asked(parse_models([model]), Problem(signature, "auto", 0))[0]
    lesson = Lesson(x, np.where(old, -true, true), weights=weights / weights.mean())
    estimator, _ = candidate.learn(lesson, 20, np.inf)
    assert np.corrcoef(estimator.predict(x), true)[0, 1] > 0.5
