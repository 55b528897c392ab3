"""Regular lines: what Polars reads of a file is what the reader of all other files reads of it."""

import json
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import KIND, DelimitedFormat
from millrace.sources.files.regular import RegularLines

CELLS = ["1", "2.5", "", "x", " y ", "é", "日本", "a\tb", "5'", "\\", '"q"', "#c", "NaN", "null", "x\0", "-"]
LINES = st.lists(st.sampled_from(CELLS), min_size=3, max_size=3).map(",".join)
ODD = st.sampled_from(["", " ", "1,2", "1,2,3,4", "1,2,3,", '"a', "a,b,c"])


def frames_of(path, size, records=0, stated=None):
    """What the file's reader gives: the rows of each chunk, and the refusals."""
    form = DelimitedFormat(SourceSettings.model_validate({"from": "f.csv", **(stated or {})}), None)
    chunks = list(form.read(path, size, records, 0))
    rows = [chunk.frame.rows() for chunk in chunks if chunk.frame.height]
    return rows, [row for chunk in chunks for row in chunk.refused.rows()]


def without_regular(*arguments):
    with patch.object(RegularLines, "frames", lambda *_: iter(())):
        return frames_of(*arguments)


@settings(max_examples=50)
@given(
    lines=st.lists(st.one_of(LINES, LINES, LINES, ODD), max_size=14),
    newline=st.sampled_from(["\n", "\n", "\r\n"]),
    ended=st.booleans(),
    size=st.integers(1, 5),
    batches=st.integers(0, 4),
)
@example(["1,2", "1,2,3,4"], "\n", True, 4, 0)
@example(["1,2", "1,2,3,"], "\n", False, 4, 0)
@example(["1,2,3"] * 3, "\r\n", False, 2, 1)
@example(["1,2,3", "1,2,3", '"a\nb",2,3', "1,2,3"], "\n", True, 2, 1)
def test_regular_lines_are_read_as_by_the_reader_of_all_others(tmp_path_factory, lines, newline, ended, size, batches):
    path = tmp_path_factory.mktemp("f") / "f.csv"
    text = newline.join(["a,b,c", "0,1,2", *lines]) + (newline if ended else "")
    path.write_bytes(text.encode())
    with patch("millrace.sources.files.delimited.fitting", lambda most, _: most):
        read = (path, size, batches * size, {"delimiter": ",", "header": True})
        assert frames_of(*read) == without_regular(*read)


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"a,b\n1,2\n3,4\n", True),
        (b'"a","b"\n1,2\n3,4', True),
        (b"a,b\r\n1,2\r\n3,4\r\n", True),
        (b'a,b\n1,2\n"3",4\n', False),
        (b"a,b\n1,2\n\n3,4\n", False),
        (b"a,b\n1,2\n3\n5,6,7\n", False),
        (b"a,b\n1,2\n3,\xff\n", False),
        (b"a,b\n1,2\r3,4\n", False),
        (b"a,b\n1," + b"x" * 3_000_000 + b"\n", False),
    ],
)
def test_which_lines_are_regular(tmp_path, content, whole):
    (tmp_path / "f.csv").write_bytes(content)
    form = DelimitedFormat(SourceSettings.model_validate({"from": "f.csv", "delimiter": ","}), None)
    assert list(form.columns(tmp_path / "f.csv")) == ["a", "b"]
    lines = RegularLines(tmp_path / "f.csv", form._dialect(tmp_path / "f.csv"))
    rows = pl.concat([pl.DataFrame(schema={"c0": pl.String, "c1": pl.String}), *lines.frames(2)]).rows()
    assert lines.whole is whole
    assert rows == ([("1", "2"), ("3", "4")] if whole else [])


def test_a_blank_line_is_no_row_of_a_file_with_one_column(tmp_path):
    (tmp_path / "f.csv").write_text("a\n1\n\n2\n")
    assert frames_of(tmp_path / "f.csv", 10, 0, {"header": True, "delimiter": ","}) == ([[("1",), ("2",)]], [])


def test_the_rows_before_the_first_odd_line_are_read_once(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text(
        "a,b\n"
        + "".join(f"{n},x\n" for n in range(3000))
        + '"3000",x\n'
        + "".join(f"{n},x\n" for n in range(3001, 5000))
    )
    with patch("millrace.sources.files.delimited.fitting", lambda *_: 1000):
        rows, refused = frames_of(path, 1000)
        again, _ = frames_of(path, 1000, records=1500)
    assert [int(value) for chunk in rows for value, _ in chunk] == list(range(5000))
    assert [int(value) for chunk in again for value, _ in chunk] == list(range(1500, 5000))
    assert not refused


NUMBERS = [
    "1",
    "1",
    "12",
    "-3",
    "0.5",
    "+4",
    "007",
    "",
    "",
    " ",
    "\t",
    " 5",
    "6 ",
    "nan",
    "inf",
    "1e400",
    "1e3",
    "x",
    "5",
    "é",
]


def batches_of(path, size, after=None):
    """What the source gives: frame, refusals, misfits and position of each batch."""
    kinds = {"5": "integer", "b": "number", "c": "text"}
    stated = {"from": str(path), "header": True, "delimiter": ","}
    source = KIND.open("s", SourceSettings.model_validate(stated), path.parent, kinds)
    source._batch_rows = size
    return [
        (
            dict(batch.frame.schema),
            str(batch.frame.rows()),
            batch.refused.rows(),
            [] if batch.misfits is None else batch.misfits.rows(),
            json.dumps(batch.position),
        )
        for batch in source.batches(after)
    ]


@settings(max_examples=50, deadline=None)
@given(
    lines=st.lists(st.tuples(*[st.sampled_from(NUMBERS)] * 3).map(",".join) | st.just("5,b,c"), max_size=14),
    size=st.integers(1, 5),
)
@example(["1,2,3", " ,2,3", "4,5,6"], 2)
@example(["1,2,3", "4,nan,6", "7,8,9"], 1)
@example(["1,2,3", "5,b,c", "7,8,9"], 3)
@example(["1,2,3", "5,,", "x,8,9", "5,b,c", "7,1,c"], 2)
def test_numbers_read_at_once_are_those_that_texts_stand_for(tmp_path_factory, lines, size):
    path = tmp_path_factory.mktemp("f") / "f.csv"
    path.write_text("\n".join(["5,b,c", "0,1,2", *lines]) + "\n")
    with patch("millrace.sources.files.delimited.fitting", lambda most, _: most):
        at_once = batches_of(path, size)
        with patch.object(RegularLines, "_readable_numbers", dict):
            assert at_once == batches_of(path, size)


@pytest.mark.parametrize(
    ("rows", "given"),
    [
        (["1,2.5", ",3"], {"a": pl.Int64, "b": pl.Float64}),
        (["1,2.5", "x,3"], {"a": pl.String, "b": pl.String}),
        (["1,2.5", " ,3"], {"a": pl.String, "b": pl.String}),
        (["1,2.5", "2,inf"], {"a": pl.String, "b": pl.String}),
    ],
    ids=["numbers", "a-word", "blanks", "infinite"],
)
def test_a_column_with_another_text_is_read_as_texts_from_there_on(tmp_path, rows, given):
    (tmp_path / "f.csv").write_text("a,b\n" + "\n".join(rows) + "\n7,8\n9,10\n")
    form = DelimitedFormat(SourceSettings.model_validate({"from": "f.csv", "delimiter": ",", "header": True}), None)
    form.numbers = {"a": pl.Int64(), "b": pl.Float64()}
    first, second = form.read(tmp_path / "f.csv", 2, 0, 0)
    assert first.frame.schema == given
    odd = {name for name, text in zip("ab", rows[1].split(","), strict=True) if text in {"x", " ", "inf"}}
    assert {name for name, dtype in second.frame.schema.items() if dtype == pl.String} == odd


def test_a_header_of_years_is_told_from_rows_of_numbers(tmp_path):
    (tmp_path / "f.csv").write_text("2024,2025\n1,2\n2024,2025\n3,4\n")
    form = DelimitedFormat(SourceSettings.model_validate({"from": "f.csv", "delimiter": ",", "header": True}), None)
    form.numbers = {"2024": pl.Int64(), "2025": pl.Int64()}
    (chunk,) = form.read(tmp_path / "f.csv", 10, 0, 0)
    assert chunk.void == {1: "repeats the header"}
    assert chunk.rows.rows() == [("1", "2"), ("3", "4")]
