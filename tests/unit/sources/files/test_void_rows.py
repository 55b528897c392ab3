import polars as pl
import pytest

from millrace.sources.files.void_rows import void


@pytest.mark.parametrize(
    ("rows", "labels", "expected"),
    [
        ([("1", "2"), (None, None)], (), {1: "holds no value, only delimiters"}),
        ([("1", None), (None, "2")], ("a", "b"), {}),
        ([("1", "2"), (" a", "b ")], ("a", "b"), {1: "repeats the header"}),
        ([("1", "2"), ("a", "x")], ("a", "b"), {}),
        ([("x", "1"), (None, "b")], ("", "b"), {1: "repeats the header"}),
        ([("1", "2"), ("a", "b")], ("a", "b"), {1: "repeats the header"}),
    ],
    ids=["empty", "half-empty", "header", "part-of-header", "unnamed-first", "full-row-above-header"],
)
def test_rows_that_are_none_are_told_apart(rows, labels, expected):
    assert void(pl.DataFrame(rows, schema={"p": pl.String, "q": pl.String}, orient="row"), labels) == expected


def test_one_column_and_no_rows_have_none():
    assert void(pl.DataFrame({"a": ["a", None]}), ("a",)) == {}
    assert void(pl.DataFrame(schema={"a": pl.String, "b": pl.String}), ("a", "b")) == {}
