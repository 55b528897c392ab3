import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.layout import layout
from millrace.sources.files.source import FileSource


def found(text, whole=True):
    it = layout(text, whole, ",", '"', '"')
    return it and (it.skip, list(it.header), it.names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T\na,b,c\nx,y,1\nx,z,2\n", (2, [2], ("a", "b", "c"))),
        ("T, of, the, 4th\na,b\nx,1\nz,2\n", (2, [2], ("a", "b"))),
        ("T,,\n,,\na,b,c\nx,y,1\nx,z,2\n", (3, [3], ("a", "b", "c"))),
        ('"two\nlines",,\n\na,b,c\nx,y,1\nx,z,2\n', (4, [4], ("a", "b", "c"))),
        ("T,,\n\na,b,c\nx,y,z\nx,z,z\n", (3, [3], ("a", "b", "c"))),
        ("a,b,c\nx,1\ny,2\n", None),
        ("a,b\nr,1,5\ns,2,7\n", (1, [1], ("", "a", "b"))),
        ("a,b\nr,1,\ns,2,\n", (1, [1], ("a", "b", ""))),
        ("a,b\nr,1,5\ns,2\nt,1,5\nu,3,4\n", None),
        ("a,b,\nx,1\ny,2\n", (1, [1], ("a", "b"))),
        ("a,b\nkg,cm\n1,2\n3,4\n5,6\n", (2, [1], ("a", "b"))),
        ("a,b\nkg,cm\n1,x\n3,x\n5,x\n", None),
        (",a,b\n,kg,\nx,1,2\ny,3,4\nz,5,6\n", (2, [1, 2], ("", "a kg", "b"))),
        ("T,,\n,,\n,2012,2013\nof,n,n\n,,net\nx,1,2\ny,3,4\nz,5,6\n", (5, [3, 4, 5], ("of", "2012 n", "2013 n net"))),
        (",T,\nof,n,m\nx,1,2\ny,3,4\n", (2, [2], ("of", "n", "m"))),
        ("T,,\n,2012,2013\n\nof,n,m\nx,1,2\ny,3,4\n", (4, [4], ("of", "n", "m"))),
        (
            ",all,,,net\nof,n,m,n,n\nt,kg,kg,kg,kg\n7,1,2,3,4\n8,3,4,5,6\n9,5,6,7,8\n",
            (3, [1, 2], ("of", "all n", "m", "n", "net n")),
        ),
        (",name\n0,ann\n1,bob\n", None),
        ("country,1990,1991\nx,1.5,2\ny,2,3\n", None),
        ("a,b\nx,y\nz,w\n", None),
        ("1,2\n3,4\n", None),
        ("x\n1\n2\n", None),
        ("", None),
    ],
)
def test_the_header_is_found_where_something_speaks_for_it(text, expected):
    assert found(text) == expected


def test_a_record_that_the_head_cuts_is_left_out():
    assert found("T\na,b\nx,1\nz,2\ny,3,4", whole=False) == (2, [2], ("a", "b"))


COLUMNS = {
    "word": st.text("abcé xyz'", min_size=1, max_size=6).filter(lambda text: text == text.strip(" '") != ""),
    "integer": st.integers(-999, 99_999).map(str),
    "number": st.floats(-1e6, 1e6).map(lambda value: f"{value:.2f}"),
    "date": st.dates().map(str),
    "sparse": st.sampled_from(["", "", "x", "1.5"]),
}


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=5))
    names = draw(st.lists(st.from_regex(r"[a-z]{2,6}[0-9]?", fullmatch=True), min_size=len(kinds) + 1, unique=True))
    # The first column is never empty: a line of delimiters is no row.
    row = st.tuples(COLUMNS["word"], *(COLUMNS[kind] for kind in kinds))
    return tuple(names[: len(kinds) + 1]), draw(st.lists(row, min_size=2, max_size=8))


@settings(max_examples=30)
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_a_clean_table_in_any_dialect_is_read_back_exactly(tmp_path_factory, table, delimiter, end, quoting):
    names, rows = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([names, *rows])
    path = tmp_path_factory.mktemp("clean") / "a.csv"
    path.write_bytes(text.getvalue().encode())
    source = FileSource(
        "s", SourceSettings(**{"from": "a.csv"}), path.parent, dict.fromkeys(names, "text"), DelimitedFormat
    )
    batches = list(source.batches(None))
    assert [row for batch in batches for row in batch.refused.rows()] == []
    assert [row for batch in batches for row in batch.frame.rows()] == [
        tuple(value or None for value in row) for row in rows
    ]


@settings(max_examples=100)
@given(tables())
def test_the_first_line_of_a_clean_table_is_never_taken_for_something_else(table):
    names, rows = table
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, *rows])
    assert found(text.getvalue()) in (None, (1, [1], names))
