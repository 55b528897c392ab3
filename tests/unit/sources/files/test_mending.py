"""Lines with quotes that are not closed, that are too long, or end otherwise: each refused alone, none with it."""

import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.dialect import Dialect
from millrace.sources.files.mending import mended
from millrace.sources.files.source import FileSource
from millrace.sources.scratch import Scratch

ABC = dict.fromkeys("abc", "text")


def read(folder: Path, content: bytes, schema=ABC, **stated):
    """Rows kept and lines refused."""
    (folder / "f.csv").write_bytes(content)
    source = FileSource("s", SourceSettings(**{"from": "f.csv"}, **stated), folder, schema, DelimitedFormat)
    batches = list(source.batches(None))
    return [row for one in batches for row in one.frame.rows()], [row for one in batches for row in one.refused.rows()]


def lines(first: int, last: int) -> bytes:
    return b"".join(b"%d,x%d,y\n" % (n, n) for n in range(first, last + 1))


@pytest.mark.parametrize("behind", [b"", b'20,"quoted","ok"\n', b'20,x,"ok"\n'], ids=["never", "reopened", "too-many"])
@pytest.mark.parametrize("opened", [b'9,"open,y', b'9,x,"', b'"9,x,y'], ids=["middle", "last", "first"])
def test_a_quote_that_is_not_closed_takes_no_other_line_with_it(tmp_path, opened, behind):
    rows, refused = read(tmp_path, b"a,b,c\n" + lines(1, 8) + opened + b"\n" + lines(10, 19) + behind)
    kept = [int(row[0]) for row in rows]
    assert kept == [*range(1, 9), *range(10, 20), *([20] if behind else [])]
    column = {b"9,x": "c", b'"9,': "a"}.get(opened[:3], "b")
    assert refused == [(10, column, f"{column}: a quote is not closed", opened.decode())]


def test_a_quote_that_is_not_closed_loses_no_row_of_a_file_that_is_read_in_parallel(tmp_path):
    content = b"a,b,c\n" + lines(1, 9) + b'10,"open,y\n' + lines(11, 1_500_000)
    (tmp_path / "f.csv").write_bytes(content)
    source = FileSource("s", SourceSettings(**{"from": "f.csv"}), tmp_path, ABC, DelimitedFormat)
    assert sum(batch.frame.height for batch in source.batches(None)) == 1_499_999


def test_quotes_that_are_not_closed_and_lines_without_end_are_found_in_bounded_memory(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b,c\n" + (b'1,"open,y\n' + lines(1, 200_000)) * 5 + b"x" * (40 << 20))
    dialect = Dialect(",", '"', '"', r"\n", "utf-8", 0, True, ("a", "b", "c"), 0)
    tracemalloc.start()
    _, refused = mended(path, dialect, Scratch())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reasons = ["b: a quote is not closed"] * 5 + ["the line is longer than 2 MB"]
    assert [(row.line, row.reason) for row in refused] == [(2 + 200_001 * n, why) for n, why in enumerate(reasons)]
    assert peak < 24 << 20


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (b'1,"two\nlines"z,y', (2, "b", "b: text follows a closing quote", '1,"two\nlines"z,y')),
        (b'1,"two\nlines",y,z', (2, None, "4 values where 3 columns are expected", '1,"two\nlines",y,z')),
        (b'1,"a"b,"c', (2, "b", "b: text follows a closing quote", '1,"a"b,"c')),
    ],
    ids=["text-behind", "too-many", "opened-again"],
)
def test_a_broken_record_of_several_lines_is_refused_whole(tmp_path, record, refusal):
    assert read(tmp_path, b"a,b,c\n" + record + b"\n2,x,y\n3,x,y\n") == (
        [("2", "x", "y"), ("3", "x", "y")],
        [refusal],
    )


def test_values_of_several_lines_inches_and_spaces_around_quotes_are_no_mistakes(tmp_path):
    content = b'a,b,c\n1,"one\n\ntwo ""2""\nthree",5" pipe\n2, "x" ,"y"\n3,a"b"c,""\n'
    rows, refused = read(tmp_path, content)
    assert rows == [("1", 'one\n\ntwo "2"\nthree', '5" pipe'), ("2", "x", "y"), ("3", 'a"b"c', None)]
    assert refused == []


def test_line_ends_of_several_kinds_are_line_ends(tmp_path):
    rows, refused = read(tmp_path, b'a,b,c\r\n1,x,y\n2,x,"in\nside"\r\n3,x,y\r4,x\r\r\n5,x,y\r\n')
    assert rows == [("1", "x", "y"), ("2", "x", "in\nside"), ("3", "x", "y"), ("5", "x", "y")]
    assert [row[1:] for row in refused] == [(None, "2 values where 3 columns are expected", "4,x")]


@pytest.mark.parametrize("size", [2_000_001, 5_000_000])
def test_a_line_too_long_for_a_row_is_refused_and_not_lost(tmp_path, size):
    rows, refused = read(tmp_path, b"a,b,c\n1,x,y\n2," + b"x" * size + b",y\n3,x,y\n4,x\n")
    assert rows == [("1", "x", "y"), ("3", "x", "y")]
    assert [(line, reason) for line, _, reason, _ in refused] == [
        (3, "the line is longer than 2 MB"),
        (5, "2 values where 3 columns are expected"),
    ]


def test_the_text_of_a_long_refused_line_is_whole(tmp_path):
    _, refused = read(tmp_path, b"a,b,c\n1," + b"x" * 20_000 + b"\n2,x,y\n")
    assert refused == [(2, None, "2 values where 3 columns are expected", "1," + "x" * 20_000)]


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_signs_that_python_takes_for_line_ends_are_none(tmp_path, sign):
    content = f"first{sign}name,b,c\n1,x,y\n2,x,y\n".encode()
    rows, refused = read(tmp_path, content, None, encoding="utf-8")
    assert rows == [(1, "x", "y"), (2, "x", "y")]
    assert refused == []
    titled = f"A title{sign}of one line\n\na,b,c\n1,x,y\n".encode()
    assert read(tmp_path, titled, None, skip=1, encoding="utf-8") == ([(1, "x", "y")], [])


CELLS = ["1", "x", "a b", '"q"', '"q ""r"""', '""', '5"', '"', '""x', '"a,b"', '"m\nn"', '"open', 'x"y', ' "s"', '"s" ']


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.sampled_from(CELLS)] * 3, st.sampled_from(["\n"] * 9 + ["\r", "\r\n"])), max_size=12))
@example([("1", "1", "1", "\r")] * 3)
def test_every_line_is_in_one_row_or_in_one_refusal(tmp_path_factory, cells):
    text = "a,b,c\n0,1,2\n" + "".join(",".join(row[:3]) + row[3] for row in cells)
    rows, refused = read(tmp_path_factory.mktemp("f"), text.encode(), header=True, delimiter=",")

    def count(text: str) -> int:
        return len(re.split("\r\n|\r|\n", text))

    seen = sum(1 + sum(count(value) - 1 for value in row if value) for row in rows)
    seen += sum(count(raw) for *_, raw in refused)
    assert seen == sum(line != "" for line in re.split("\r\n|\r|\n", text)) - 1
