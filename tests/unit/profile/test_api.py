"""Anybody's rows can be compared, whatever holds them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from millrace.errors import UsageError
from millrace.profile.api import drift


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(4)


def test_the_verdict_names_the_column_and_the_sizes(draw: np.random.Generator) -> None:
    before = {"age": draw.normal(40, 10, 1000), "city": draw.choice(["Ulm", "Bonn"], 1000)}
    now = {"age": draw.normal(45, 10, 500), "city": draw.choice(["Ulm", "Bonn"], 500)}
    found = drift(before, now)
    assert found.drifted
    assert found.rows == (1000, 500)
    assert found.verdict.startswith("1 of 2 columns drifted (500 rows against 1,000), first `age`: the mean value went")
    assert [alarm.column for alarm in found.alarms] == ["age"]


def test_equal_rows_have_not_drifted(draw: np.random.Generator) -> None:
    frame = pl.DataFrame({"x": draw.normal(size=300)})
    found = drift(frame, frame)
    assert (found.drifted, found.verdict, found.alarms) == (
        False,
        "None of 1 columns drifted (300 rows against 300).",
        (),
    )


def test_every_sort_of_column_is_compared_and_nested_ones_are_left_out() -> None:
    frame = pl.DataFrame(
        {
            "number": [1.5, 2.5],
            "whole": [1, 2],
            "flag": [True, None],
            "day": [dt.date(2026, 1, 1), None],
            "moment": [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)],
            "word": ["a", None],
            "kind": pl.Series(["a", "b"], dtype=pl.Categorical),
            "nothing": [None, None],
            "list": [[1], [2]],
            "here": [1, 2],
        }
    )
    found = drift(frame, frame.rename({"here": "there"}).lazy())
    assert set(found.columns) == {"number", "whole", "flag", "day", "moment", "word", "kind", "nothing"}
    assert found.left_out == ("here", "list", "there")
    assert not found.drifted


def test_texts_of_their_own_are_compared_by_length(draw: np.random.Generator) -> None:
    short, long = ([f"{number:0{width}}" for number in draw.integers(0, 10**6, 400)] for width in (8, 12))
    found = drift({"note": short}, {"note": long})
    assert found.columns["note"].statistic == "out_of_range_share"
    assert "characters" in found.alarms[0].evidence


def test_numbers_that_arrive_as_texts_are_missing() -> None:
    found = drift({"x": [1.0, 2.0] * 100}, {"x": ["one", "two"] * 100})
    assert [alarm.kind for alarm in found.alarms] == ["missing"]


def test_nothing_in_common() -> None:
    with pytest.raises(UsageError, match="share no column"):
        drift({"a": [1]}, {"b": [1]})


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, float("nan")])
def test_a_level_outside_zero_to_one(alpha: float) -> None:
    with pytest.raises(UsageError, match="`alpha` is"):
        drift({"a": [1]}, {"a": [1]}, alpha=alpha)


def test_pandas_frames_are_read_as_they_are() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(
        {
            "number": [1.5, None] * 100,
            "whole": pd.array([1, None] * 100, dtype="Int64"),
            "flag": [True, False] * 100,
            "day": pd.to_datetime(["2026-01-01", None] * 100),
            "word": ["a", None] * 100,
            "kind": pd.Categorical(["a", "b"] * 100),
        }
    )
    found = drift(frame, frame.assign(word="b"))
    assert set(found.columns) == set(frame.columns)
    assert [(alarm.column, alarm.kind) for alarm in found.alarms] == [("word", "unseen"), ("word", "missing")]
