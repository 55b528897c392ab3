import math

import polars as pl
import pytest

from millrace.explore.columns import summarise
from millrace.explore.measures import measure


def measured(frame, closeness=0.5):
    return measure(frame, *summarise(frame), closeness)


def test_two_numbers_by_their_ranks():
    """Ranks 1 2 3 4 5 … against the same with two neighbours swapped: 1 - 6 Σd² / n(n² - 1) with n = 20, Σd² = 2."""
    one = [float(i) for i in range(20)]
    other = [1.0, 0.0, *one[2:]]
    name, value = measured(pl.DataFrame({"a": one, "b": [x**3 for x in other]}))
    assert name == "Spearman"
    assert value == pytest.approx(1 - 6 * 2 / (20 * (400 - 1)))


def test_a_number_and_a_category_by_the_correlation_ratio():
    """Groups 0 0 6 6 and 6 6 12 12: means 3 and 9 around 6, so 72 of 144 lie between the groups."""
    frame = pl.DataFrame({"g": list("aaaabbbb") * 3, "v": [0.0, 0.0, 6.0, 6.0, 6.0, 6.0, 12.0, 12.0] * 3})
    name, value = measured(frame)
    assert name == "η"
    assert value == pytest.approx(math.sqrt(72 / 144))


def test_two_categories_by_cramers_v():
    assert measured(pl.DataFrame({"a": ["x", "y"] * 9, "b": ["u", "v"] * 9}), 0.25) == ("Cramér's V", 0.25)


def test_rows_that_lack_one_of_the_two_do_not_count():
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, None, 11.5] + [float(i) for i in range(20, 30)]})
    frame = frame.with_columns(b=pl.when(pl.col("a") == 11.5).then(None).otherwise(pl.col("a") * 2))
    assert measured(frame)[1] == pytest.approx(1.0)


def test_too_few_rows_are_no_number():
    assert math.isnan(measured(pl.DataFrame({"a": [1.5, None, None], "b": [2.5, 1.0, 3.0]}))[1])
