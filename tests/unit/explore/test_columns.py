import datetime as dt

import polars as pl
import pytest

from millrace.explore.columns import as_numbers, edges, summarise


def only(values, **schema):
    return summarise(pl.DataFrame({"x": values}, **schema))[0]


def test_numbers_are_told_by_their_quartiles():
    column = only([float(x) for x in range(1, 102)] + [None])
    assert (column.kind, column.missing, column.distinct) == ("number", 1, 101)
    assert (column.low, column.middle, column.high, column.quartiles) == (1.0, 51.0, 101.0, (26.0, 76.0))


def test_values_beyond_three_quartile_ranges_are_far():
    column = only([float(x) for x in range(100)] + [10_000.0, -10_000.0])
    assert column.far == 2
    assert -200 < edges(column)[0] < edges(column)[-1] < 300


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False, None], "category"),
        ([0, 1, 1, 0], "category"),
        (list(range(40)), "number"),
        (["a", "b", "a"], "category"),
        ([f"note {i}" for i in range(200)], "text"),
        ([dt.date(2026, 1, 1)], "date"),
    ],
    ids=["boolean", "few whole numbers", "number", "words", "free text", "date"],
)
def test_kinds(values, kind):
    assert only(values).kind == kind


def test_dates_count_days():
    assert as_numbers(pl.Series([dt.date(1970, 1, 11)])).tolist() == [10.0]


def test_a_column_without_values_is_constant():
    column = only([None, None], schema={"x": pl.Float64})
    assert column.constant
    assert column.share_missing == 1.0
