import polars as pl

from millrace.explore.missing import Pattern, patterns, together

FRAME = pl.DataFrame({"a": [1, None, None, 4, 5], "b": ["x", None, None, None, "y"], "c": [1.0, 2.0, 3.0, 4.0, 5.0]})


def test_rows_that_miss_the_same_columns_are_one_pattern():
    assert set(patterns(FRAME)) == {Pattern(("a", "b"), 2), Pattern((), 2), Pattern(("b",), 1)}


def test_every_row_is_in_one_pattern():
    assert sum(pattern.rows for pattern in patterns(FRAME)) == FRAME.height


def test_nan_is_missing_too():
    assert patterns(pl.DataFrame({"a": [1.0, float("nan")]}))[-1].columns in ((), ("a",))
    assert {one.columns for one in patterns(pl.DataFrame({"a": [1.0, float("nan")]}))} == {(), ("a",)}


def test_the_picture_has_the_same_in_words():
    figure = together(patterns(FRAME))
    assert ("a, b", "2", "40.0%") in figure.rows
    assert figure.caption == "2 of 5 rows are whole; 2 patterns of absence were found."


def test_nothing_missing_is_no_picture():
    assert together(patterns(FRAME.select("c"))) is None
