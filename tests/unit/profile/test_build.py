"""A profile counts every row once, in the cells of its reference."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest

from millrace.errors import DataError
from millrace.profile.build import STRANGERS, TOP, profile
from millrace.records.fit import Answer
from millrace.records.profile import ColumnProfile
from millrace.records.signature import Field, FieldType, Signature


def only(values: list[object], type_: FieldType, reference: list[object] | None = None) -> ColumnProfile:
    signature = Signature("regression", "y", (Field("x", type_),))
    known = None if reference is None else profile(pl.DataFrame({"x": reference}, strict=False), signature)
    return profile(pl.DataFrame({"x": values}, strict=False), signature, known).columns["x"]


def test_numbers() -> None:
    column = only([1.0, 3.0, None, float("nan"), 5.0, 3.0] * 5, "number")
    assert (column.rows, column.missing, column.present) == (30, 10, 20)
    assert (column.counts, column.edges[::2]) == ((0, 5, 0, 10, 0, 5, 0), (1.0, 3.0, 5.0))
    assert (column.finite, column.mean, column.m2, column.low, column.high) == (20, 3.0, 40.0, 1.0, 5.0)
    assert column.deviation == math.sqrt(2.0)


def test_numbers_of_another_time_keep_the_cells() -> None:
    column = only([0, 1, 2, 6, 7], "integer", reference=[1, 3, 5] * 5)
    assert column.edges[::2] == (1.0, 3.0, 5.0)
    assert column.counts == (1, 1, 1, 0, 0, 0, 2)


def test_infinity_is_out_of_range_and_leaves_the_mean_alone() -> None:
    column = only([1.0, 3.0, math.inf, -math.inf, 1e300], "number", reference=[1.0, 3.0] * 5)
    assert column.counts == (1, 1, 0, 1, 2)
    assert (column.finite, column.mean, column.m2) == (2, 2.0, 2.0)


@pytest.mark.parametrize("values", [[None, None], [math.nan], []], ids=["null", "nan", "no rows"])
def test_a_column_without_values(values: list[object]) -> None:
    column = only(values, "number")
    assert (column.rows, column.missing, column.counts, column.low) == (len(values), len(values), (0,), None)


def test_dates_are_days_and_datetimes_seconds() -> None:
    assert only([dt.date(1970, 1, 3)], "date").mean == 2.0
    assert only([dt.datetime(1970, 1, 1, 0, 1, 0, 500_000)], "datetime").mean == 60.5
    assert only(["1970-01-03", "soon"], "date").mean == 2.0
    assert only(["1970-01-01T00:01:00Z"], "datetime").mean == 60.0
    assert only(["1970-01-03", "soon"], "date").missing == 1


def test_booleans_are_zero_and_one() -> None:
    assert only([True, True, False, None] * 5, "boolean").counts == (0, 5, 0, 10, 0)
    assert only(["true", "True", "false", "?"] * 5, "boolean").counts == (0, 5, 0, 10, 0)


def test_numbers_that_arrived_as_texts() -> None:
    column = only(["1.5", "", "many"], "number")
    assert (column.mean, column.missing) == (1.5, 2)


def test_categories_come_most_frequent_first_and_empty_is_missing() -> None:
    column = only(["b", "a", "b", "", None, "c"], "category")
    assert (column.values, column.counts, column.missing) == (("b", "a", "c"), (2, 1, 1, 0), 2)
    assert column.strangers == ()


def test_unseen_categories_are_counted_together_and_a_few_are_named() -> None:
    column = only(["a", *"zyxwvuz"], "category", reference=["a", "a", "b"])
    assert (column.values, column.counts) == (("a", "b"), (1, 0, 7))
    assert column.strangers == ("u", "v", "w", "x", "y")
    assert len(column.strangers) == STRANGERS


def test_the_long_tail_of_categories_is_counted_together() -> None:
    column = only([str(number) for number in range(TOP + 20)], "category")
    assert (len(column.values), column.counts[-1], sum(column.counts)) == (TOP, 20, TOP + 20)


def test_texts_are_profiled_by_length() -> None:
    column = only(["ab", "äb", "abcd", "", None] * 5, "text")
    assert (column.kind, column.counts, column.missing) == ("text", (0, 10, 0, 5, 0), 10)
    assert column.edges[::2] == (2.0, 4.0)


def test_what_the_model_said_is_a_column_too() -> None:
    signature = Signature("binary", "y", (), classes=("no", "yes"), positive="yes")
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]], dtype=np.float32)
    columns = profile(pl.DataFrame(), signature, answer=Answer(np.array([0, 1, 1]), probabilities)).columns
    assert (columns["(label)"].values, columns["(label)"].counts) == (("yes", "no"), (2, 1, 0))
    assert columns["(probability)"].mean == 0.5


def test_of_many_classes_the_probability_of_the_named_one_counts() -> None:
    signature = Signature("multiclass", "y", (), classes=("a", "b", "c"))
    probabilities = np.array([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]], dtype=np.float32)
    columns = profile(pl.DataFrame(), signature, answer=Answer(np.array([2, 0]), probabilities)).columns
    assert (columns["(probability)"].low, columns["(probability)"].high) == (0.5, 1.0)


def test_of_a_regression_the_value_counts() -> None:
    signature = Signature("regression", "y", ())
    columns = profile(pl.DataFrame(), signature, answer=Answer(value=np.array([1, 2], dtype=np.float32))).columns
    assert columns["(value)"].mean == 1.5


def test_a_missing_input_is_named_with_its_nearest() -> None:
    signature = Signature("regression", "y", (Field("rooms", "integer"),))
    with pytest.raises(DataError, match=r"no column `rooms`[^?]*Did you mean `roms`"):
        raise_as_text(lambda: profile(pl.DataFrame({"roms": [1]}), signature))
    other = Signature("regression", "y", (Field("room", "integer"),))
    with pytest.raises(DataError, match="reference profile has no column `rooms`"):
        profile(pl.DataFrame({"rooms": [1]}), signature, profile(pl.DataFrame({"room": [1]}), other))


def raise_as_text(call) -> None:
    """Raise the whole text of an error, as a user reads it."""
    try:
        call()
    except DataError as error:
        raise DataError(str(error)) from error


@pytest.mark.parametrize("type_", ["number", "category"])
def test_nested_values_are_refused(type_: FieldType) -> None:
    with pytest.raises(DataError, match="Column `x` holds List"):
        only([[1.0], [2.0]], type_)


def test_columns_that_are_counted_side_by_side_are_those_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{n}": draw.normal(n, 1, 500) for n in range(20)})
    signature = Signature("regression", "y", tuple(Field(name, "number") for name in frame.columns))
    alone = profile(frame, signature)
    monkeypatch.setattr("millrace.profile.build._FOR_A_THREAD", 100)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    together = profile(frame, signature)
    assert together == alone
    assert list(together.columns) == list(alone.columns)
