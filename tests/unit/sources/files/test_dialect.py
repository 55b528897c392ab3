import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from millrace.errors import SourceError
from unit.sources.files.reading import read, source, write


@pytest.mark.parametrize(
    "content",
    [
        b"id,name\n1,ann\n2,bob\n",
        b"id,name\r\n1,ann\r\n2,bob\r\n",
        b"id,name\r1,ann\r2,bob\r",
        b"id;name\n1;ann\n2;bob",
        b"id\tname\n1\tann\n2\tbob\n",
        b"id|name\n1|ann\n2|bob\n",
        b'"id","name"\n"1","ann"\n"2","bob"\n',
        b"'id','name'\n'1','ann'\n'2','bob'\n",
        b"id, name\n1,ann\n\n2,bob\n\n",
        "\ufeffid,name\n1,ann\n2,bob\n".encode(),
        "\ufeffid,name\n1,ann\n2,bob\n".encode("utf-16-le"),
    ],
    ids=["lf", "crlf", "cr", "semicolon", "tab", "pipe", "quotes", "single", "blank-lines", "utf8-bom", "utf16-bom"],
)
def test_dialects_are_recognised(tmp_path, content):
    found = source(write(tmp_path, content))
    assert found.schema() == {"id": "integer", "name": "text"}
    assert read(found) == ([(1, "ann"), (2, "bob")], [])


def test_stated_settings_win_over_what_is_sniffed(tmp_path):
    path = write(tmp_path, "a;b,1\nc;d,2\n")
    assert read(source(path, header=False, names=("x", "y"), delimiter=";"))[0] == [("a", "b,1"), ("c", "d,2")]


PLAIN = "".join(f"{n},plain\n" for n in range(30_000))


@pytest.mark.parametrize(
    ("stated", "content", "wanted"),
    [
        ({"quote": "'"}, f"id,s\n{PLAIN}1,'it''s, so'\n2,'half'\n", ["it's, so", "half"]),
        ({"escape": "\\"}, f'id,s\n{PLAIN}1,"a \\"b\\", c"\n2,"x\\\\"\n', ['a "b", c', "x\\"]),
        ({"quote": "'", "escape": "\\"}, f"id,s\n{PLAIN}1,'it\\'s,\n\"so'\n2,'x\\\\'\n", ["it's,\n\"so", "x\\"]),
        ({"quote": "'", "comment": "#"}, f"id,s\n{PLAIN}#'\n1,'x\n#\"y'\n2,'\"'\n", ['x\n#"y', '"']),
        ({"quote": "\x1f"}, f'id,s\n{PLAIN}1,"x\n2,y"\n', ['"x', 'y"']),
    ],
    ids=["quote", "escape", "both", "comment", "no-quotes"],
)
def test_quotes_that_come_late_in_a_file_are_read_as_stated(tmp_path, stated, content, wanted):
    found = source(write(tmp_path, content), **stated)
    rows, refused = read(found)
    assert [text for _, text in rows[30_000:]] == wanted
    assert (len(rows), refused) == (30_002, [])
    del stated["quote" if "quote" in stated else "escape"]
    assert read(source(tmp_path / "a.csv", **stated))[0][30_000:] != [(1, wanted[0]), (2, wanted[1])]


@pytest.mark.parametrize("sign", ["''", "", "“", "\n"])
@pytest.mark.parametrize("name", ["quote", "escape"])
def test_a_quote_is_one_ascii_character(tmp_path, name, sign):
    with pytest.raises(ValidationError, match="is not one ASCII character"):
        source(tmp_path / "a.csv", **{name: sign})


@pytest.mark.parametrize("name", ["quote", "escape"])
def test_one_sign_cannot_mean_two_things(tmp_path, name):
    with pytest.raises(ValidationError, match=f"`{name}` is the `delimiter` too"):
        source(tmp_path / "a.csv", delimiter=";", **{name: ";"})


def test_a_file_without_header_has_numbered_columns(tmp_path):
    found = source(write(tmp_path, "1,2.5\n3,4.5\n"))
    assert found.schema() == {"column_1": "integer", "column_2": "number"}
    assert read(found)[0] == [(1, 2.5), (3, 4.5)]


@pytest.mark.parametrize("content", ["", "\n\n", "a,b\n", "a,b"], ids=["empty", "blank", "header", "header-no-end"])
def test_a_file_without_rows_gives_none(tmp_path, content):
    assert list(source(write(tmp_path, content)).batches(None)) == []


def test_repeated_and_absent_names_become_distinct(tmp_path):
    found = source(write(tmp_path, "a,a,,b\n1,2,3,4\n5,6,7,8\n"))
    assert list(found.schema()) == ["a", "a_2", "column_3", "b"]


def test_names_must_be_as_many_as_columns(tmp_path):
    with pytest.raises(SourceError, match=r"`names` has 3 names, but the first row of `a.csv` has 2 values"):
        source(write(tmp_path, "1,2\n3,4\n"), names=("x", "y", "z")).schema()


@pytest.mark.parametrize("content", [b"<a/>\n", b'[{"a": 1}]\n', b"PK\x03\x04\0\0"], ids=["xml", "json", "binary"])
def test_a_file_of_another_kind_is_not_taken_for_text(tmp_path, content):
    with pytest.raises(SourceError, match=r"`a.data` is not delimited text"):
        source(write(tmp_path, content, "a.data")).schema()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(-5, 5), st.text("ab,\"' ;é0", max_size=4)), min_size=3, max_size=12))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle, quoting=csv.QUOTE_ALL).writerows([("n", "s"), *rows])
    found = source(path, {"n": "integer", "s": "text"}, batch_rows=2, delimiter=",")
    assert read(found) == ([(n, s or None) for n, s in rows], [])


def test_a_delimiter_at_the_end_of_every_row_is_an_unnamed_column_without_values(tmp_path):
    found = source(write(tmp_path, "a,b\n1,2,\n3,4,\n5,6,\n"))
    assert list(found.schema()) == ["a", "b", "column_3"]
    assert read(found) == ([(1, 2, None), (3, 4, None), (5, 6, None)], [])
