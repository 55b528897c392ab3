"""Split promises: rows keep their side, copies stay together, classes and time are respected."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from millrace.config.schema import SplitSettings
from millrace.errors import TrainingError
from millrace.records.signature import Field
from millrace.train.split import dealt_again, folds, order_keys, sealed

FIELDS = (Field("x", "number"), Field("plan", "category"))
values = st.tuples(st.floats(-1e6, 1e6), st.sampled_from(["a", "b", ""]))


def keys(rows: list[tuple[float, str]]) -> np.ndarray:
    frame = pl.DataFrame(rows, schema={"x": pl.Float64, "plan": pl.String}, orient="row")
    return order_keys(frame, FIELDS, SplitSettings())


def test_the_key_of_a_row_never_changes() -> None:
    # BLAKE2b of the bytes of 1.0 as little-endian float64 and of "a": a champion's test part depends on it.
    assert keys([(1.0, "a"), (float("nan"), "")]).tolist() == [0.5339899373174855, 0.8888580709827643]


@given(st.lists(values, min_size=1, max_size=30), st.lists(values, max_size=30))
@settings(max_examples=30)
def test_a_row_keeps_its_key_when_the_table_grows(rows: list[tuple[float, str]], more: list[tuple[float, str]]) -> None:
    assert keys(more + rows)[len(more) :].tolist() == keys(rows).tolist()


@given(st.lists(st.floats(0, 1), min_size=20, max_size=60, unique=True), st.lists(st.floats(0, 1), max_size=30))
@settings(max_examples=50)
def test_rows_change_sides_only_between_the_old_cut_and_the_new(old: list[float], new: list[float]) -> None:
    before, after = np.array(old), np.array(old + new)
    first = sealed(before, np.zeros(len(before)), 0.15)
    second = sealed(after, np.zeros(len(after)), 0.15)[: len(before)]
    cuts = sorted([before[first].max(), after[sealed(after, np.zeros(len(after)), 0.15)].max()])
    moved = before[first != second]
    assert all(cuts[0] <= key <= cuts[1] for key in moved)


def test_copies_stay_on_one_side() -> None:
    found = keys([(float(i % 50), "a") for i in range(200)])
    test = sealed(found, np.zeros(200), 0.15)
    assert all(len(set(test[i::50])) == 1 for i in range(50))


def test_minus_zero_is_zero() -> None:
    assert len(set(keys([(0.0, "a"), (-0.0, "a")]).tolist())) == 1


def test_each_class_gives_its_share() -> None:
    strata = np.array([0] * 100 + [1] * 20)
    test = sealed(np.random.default_rng(0).random(120), strata, 0.15)
    assert (test[:100].sum(), test[100:].sum()) == (15, 3)


def test_the_latest_rows_judge_under_a_time_split() -> None:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(20)]
    frame = pl.DataFrame({"day": days[::-1]})
    found = order_keys(frame, (), SplitSettings(time="day"))
    assert np.flatnonzero(sealed(found, np.zeros(20), 0.15)).tolist() == [0, 1, 2]


def test_rows_without_a_time_never_judge() -> None:
    frame = pl.DataFrame({"day": [None, date(2024, 1, 1), date(2024, 1, 2), None]})
    test = sealed(order_keys(frame, (), SplitSettings(time="day")), np.zeros(4), 0.25)
    assert test.tolist() == [False, False, True, False]


def test_a_group_stays_on_one_side() -> None:
    frame = pl.DataFrame({"house": [f"h{i % 40}" for i in range(120)], "x": range(120)})
    test = sealed(order_keys(frame, (), SplitSettings(group="house")), np.zeros(120), 0.15)
    assert test.sum() == 18
    assert all(len(set(test[i::40])) == 1 for i in range(40))


def test_every_row_is_held_out_once() -> None:
    pairs = folds(np.random.default_rng(0).random(50), np.array([0, 1] * 25), 5)
    assert sorted(np.concatenate([held for _, held in pairs]).tolist()) == list(range(50))
    assert all(not set(learn) & set(held) for learn, held in pairs)


def test_a_class_that_was_not_learned_is_not_held_out() -> None:
    strata = np.array([0] * 10 + [1] * 10 + [2])
    pairs = folds(np.linspace(0, 1, 21), strata, 5)
    assert 20 not in np.concatenate([held for _, held in pairs])


def test_equal_rows_cannot_be_split() -> None:
    with pytest.raises(TrainingError, match="too many of them are equal"):
        sealed(np.full(30, 0.5), np.zeros(30), 0.15)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        pytest.param(SplitSettings(time="dya"), "no column `dya` to split by. Did you mean `day`", id="absent"),
        pytest.param(SplitSettings(time="name"), "`name` holds String values, which have no order in time", id="text"),
    ],
)
def test_a_split_by_the_wrong_column_is_refused(split: SplitSettings, words: str) -> None:
    frame = pl.DataFrame({"day": [date(2024, 1, 1)], "name": ["a"]})
    with pytest.raises(TrainingError, match=words):
        order_keys(frame, (), split)


def test_rows_dealt_again_are_other_folds_and_copies_stay_together() -> None:
    first = np.array([0.1, 0.5, 0.5, 0.9, 0.3, 0.7])
    again = dealt_again(first, 1)
    assert dealt_again(first, 0).tolist() == first.tolist()
    assert again[1] == again[2]
    assert np.argsort(again).tolist() != np.argsort(first).tolist()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"time": "day", "group": "home"}, "both `time` and `group`"),
        ({"gap": "3 days"}, "a `gap` and no `time`"),
        ({"time": "day", "folds": 5}, "`time` and folds"),
    ],
)
def test_splits_that_contradict_themselves_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SplitSettings.model_validate(given)
