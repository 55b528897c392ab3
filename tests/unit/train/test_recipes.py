"""Recipe promises: encodings fitted by hand-worked rules, and no row sees its own target."""

import numpy as np
import polars as pl

from millrace.records.encoding import LookupEncoding, NumberEncoding, PeriodEncoding
from millrace.records.signature import Field
from millrace.train.columns import describe
from millrace.train.encode import encode
from millrace.train.recipes import for_linear, for_trees, learned


def test_linear_columns_are_standardised_and_missing_is_flagged() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, None, 4.0, 5.0]})
    fields = describe(frame, [Field("x", "number")])
    matrix = encode(frame, for_linear(frame, fields, np.zeros((5, 1))))
    np.testing.assert_allclose([matrix[:, 0].mean(), matrix[:, 0].std()], [0, 1], atol=1e-6)
    assert matrix[:, 1].tolist() == [0, 0, 1, 0, 0]


def test_trees_see_numbers_as_they_are() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    assert for_trees(frame, [Field("x", "number")], np.zeros((2, 1))) == (NumberEncoding("x"),)


def test_two_categories_take_one_column_and_three_take_three() -> None:
    frame = pl.DataFrame({"two": ["a", "b", "a"], "three": ["a", "b", "c"]})
    two, three = for_trees(
        frame, describe(frame, [Field("two", "category"), Field("three", "category")]), np.zeros((3, 1))
    )
    assert two == LookupEncoding("two", ("a", "b"), ((1.0,), (0.0,)), (0.0,), (0.0,))
    assert isinstance(three, LookupEncoding)
    assert three.rows == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def test_long_lists_become_smoothed_means_and_the_unseen_gets_the_prior() -> None:
    frame = pl.DataFrame({"zip": [f"z{i}" for i in range(20) for _ in range(5)]})
    goals = np.array([[1.0]] * 5 + [[0.0]] * 95)
    (encoding,) = for_trees(frame, describe(frame, [Field("zip", "category")]), goals)
    assert isinstance(encoding, LookupEncoding)
    # z0: (5 + 20 * 0.05) / (5 + 20) = 0.24 of 5 % of the rows; another: (0 + 1) / 25.
    rows = dict(zip(encoding.categories, encoding.rows, strict=True))
    np.testing.assert_allclose([rows["z0"], rows["z7"], encoding.unseen], [[0.05, 0.24], [0.05, 0.04], [0.0, 0.05]])


def test_a_row_does_not_see_its_own_target() -> None:
    frame = pl.DataFrame({"code": [f"c{i}" for i in range(100)]})
    goals = np.array([[1.0], [0.0]] * 50)
    _, matrix = learned(frame, describe(frame, [Field("code", "category")]), goals, for_trees)
    # Every code is new to the other parts, of which half are ones; seen by itself c0 would be (1 + 10) / 21.
    assert matrix[:, 1].tolist() == [0.5] * 100


def test_dates_give_the_phases_that_the_rows_span_twice() -> None:
    frame = pl.DataFrame({"day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 1), eager=True)})
    found = for_trees(frame, [Field("day", "date")], np.zeros((frame.height, 1)))
    assert found == (NumberEncoding("day"), PeriodEncoding("day", 604800.0, unit=86400.0))
