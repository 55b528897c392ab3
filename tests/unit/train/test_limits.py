"""Limits of time and size: measured on the graph; what is beyond is left out and said; when all is, an error."""

import numpy as np
import polars as pl
import pytest

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.package.footprint import footprint
from millrace.package.graph import build
from millrace.train.stage import train

RANDOM = np.random.default_rng(0)
ROWS = pl.DataFrame({"a": RANDOM.normal(size=600), "b": RANDOM.normal(size=600)})
ROWS = ROWS.with_columns(y=(pl.col("a").abs() + pl.col("b") > 0.7).cast(pl.Int64))


def fitted(**limits):
    settings = {"predict": "y", "budget": "3 trials", "models": ["linear", "random_forest"]} | limits
    return train(ROWS, ModelSettings.model_validate(settings), measure=footprint)


def test_a_model_that_is_too_large_is_left_out_and_said():
    assert any(member.name == "random forest" for member in fitted().members)
    fit = fitted(max_size_mb=0.02)
    assert all(member.name.startswith("linear") for member in fit.members)
    assert any(note.startswith("`random forest` is left out: ") for note in fit.notes)
    assert len(build(fit)) / 1e6 <= 0.02


def test_when_nothing_is_fast_enough_the_fastest_is_named():
    with pytest.raises(TrainingError, match=r"the fastest is `(linear, penalty|random forest)"):
        fitted(max_latency_ms=1e-6)


def test_what_is_measured_is_a_single_row_and_the_graph():
    fit = fitted()
    found = footprint(fit.members, fit.signature, fit.train_rows)
    assert 0 < found.latency_ms < 1000
    assert found.size_mb == pytest.approx(len(build(fit)) / 1e6, rel=0.1)
