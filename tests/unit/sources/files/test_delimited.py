import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from millrace.sources.files import refusals
from unit.sources.files.reading import read, source, write


def test_quoted_values_may_hold_delimiters_quotes_and_line_ends(tmp_path):
    path = write(tmp_path, 'id,note\n1,"a, ""b""\nc"\n2,d\n3\n')
    rows, refused = read(source(path))
    assert rows == [(1, 'a, "b"\nc'), (2, "d")]
    assert refused == [(5, None, "1 values where 2 columns are expected", "3")]


def test_broken_lines_are_refused_once_each_with_line_column_and_reason(tmp_path):
    path = write(
        tmp_path, b'id,name,city\n1,ann,rome\n2,bob\n\n3,cy,oslo,x,y\n4,"d"e,bonn\n5,caf\xe9,nice\n6,fl\xc3\xb6,graz\n'
    )
    rows, refused = read(source(path))
    assert rows == [(1, "ann", "rome"), (6, "flö", "graz")]
    assert refused == [
        (3, None, "2 values where 3 columns are expected", "2,bob"),
        (5, None, "5 values where 3 columns are expected", "3,cy,oslo,x,y"),
        (6, "name", "name: text follows a closing quote", '4,"d"e,bonn'),
        (7, "name", "name: bytes that the encoding does not have; state the `encoding` of the file", r"5,caf\xe9,nice"),
    ]


def test_lines_above_the_header_are_refused_so_that_none_vanishes(tmp_path):
    rows, refused = read(source(write(tmp_path, "Report 2024\n\nid,v\n1,2\n3,4\n5,6\n")))
    assert rows == [(1, 2), (3, 4), (5, 6)]
    assert refused == [(1, None, "stands before the header", "Report 2024")]


def test_titles_lines_of_delimiters_and_repeated_headers_are_refused_with_their_lines(tmp_path):
    path = write(tmp_path, "T,,\n,,\nday,n,x\n1,2,a\n,,\nT 2,,\n,,\nday,n,x\n3,4,b\nthe end,,\n")
    found = source(path)
    assert found.schema() == {"day": "text", "n": "integer", "x": "text"}
    rows, refused = read(found)
    assert rows == [("1", 2, "a"), ("3", 4, "b"), ("the end", None, None)]
    assert refused == [
        (5, None, "holds no value, only delimiters", ",,"),
        (6, None, "stands above a repeated header", "T 2,,"),
        (7, None, "holds no value, only delimiters", ",,"),
        (8, None, "repeats the header", "day,n,x"),
        (1, None, "stands before the header", "T,,"),
        (2, None, "stands before the header", ",,"),
    ]


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_reading_goes_on_from_any_batch_of_a_file_with_lines_that_are_no_rows(tmp_path, rows):
    path = write(tmp_path, '"Report\nof 2024",,\n\nid,n,x\n1,2,a\n,,\nid,n,x\n3,4\n5,"x\ny",b\n,,\n7,8,c\n')
    schema = {"id": "integer", "n": "text", "x": "text"}
    every = list(source(path, schema, batch_rows=rows).batches(None))
    kept = [row for batch in every for row in batch.frame.rows()]
    refusals = [row for batch in every for row in batch.refused.rows()]
    assert kept == [(1, "2", "a"), (5, "x\ny", "b"), (7, "8", "c")]
    assert sorted(line for line, *_ in refusals) == [1, 2, 6, 7, 8, 11]
    for at, batch in enumerate(every):
        rest = list(source(path, schema, batch_rows=rows).batches(batch.position))
        assert [row for later in rest for row in later.frame.rows()] == [
            row for later in every[at + 1 :] for row in later.frame.rows()
        ]
        assert [row for later in rest for row in later.refused.rows()] == [
            row for later in every[at + 1 :] for row in later.refused.rows()
        ]


def odd(found):
    """The values that do not fit their columns, of all batches."""
    return [row for batch in found.batches(None) if batch.misfits is not None for row in batch.misfits.rows()]


def test_a_value_that_does_not_fit_the_schema_stands_beside_its_row(tmp_path):
    path = write(tmp_path, 'id,note,paid\n1,"two\nlines",3.5\n2\n\n3,x,abc\n4,y,1.5\n5,z,\n')
    found = source(path, {"id": "integer", "note": "text", "paid": "number"})
    rows, refused = read(found)
    assert rows == [(1, "two\nlines", 3.5), (3, "x", None), (4, "y", 1.5), (5, "z", None)]
    assert odd(found) == [(1, "paid", "abc")]
    assert refused == [(4, None, "1 values where 3 columns are expected", "2")]


def test_every_value_of_a_row_that_does_not_fit_is_told(tmp_path):
    found = source(write(tmp_path, "n,x\n1,2\na,b\n"), {"n": "integer", "x": "number"})
    assert odd(found) == [(1, "n", "a"), (1, "x", "b")]


def test_an_integer_column_refuses_a_fraction_instead_of_rounding_it(tmp_path):
    found = source(write(tmp_path, "n\n1\n1.5\n"), {"n": "integer"})
    rows, refused = read(found)
    assert (rows, odd(found), refused) == ([(1,), (None,)], [(1, "n", "1.5")], [])


def test_types_are_safe(tmp_path):
    path = write(
        tmp_path,
        "zip,code,big,day,mixed,flag\n01067,NA,9007199254740993,2024-01-31,1,true\n10115,DE,2,2024-02-29,x,false\n",
    )
    found = source(path)
    assert found.schema() == {
        "zip": "text",
        "code": "text",
        "big": "integer",
        "day": "date",
        "mixed": "text",
        "flag": "boolean",
    }
    assert read(found)[0] == [
        ("01067", "NA", 9007199254740993, date(2024, 1, 31), "1", True),
        ("10115", "DE", 2, date(2024, 2, 29), "x", False),
    ]


def test_columns_with_a_stated_type_and_markers_come_as_text_for_cleaning(tmp_path):
    path = write(tmp_path, "id,paid,seen\n1, ,31.12.2024\n2,3.5,01.01.2025\n")
    stated = {"paid": {"type": "number", "missing": (" ",)}, "seen": {"format": "%d.%m.%Y"}}
    found = source(path, columns=stated)
    assert found.schema() == {"id": "integer", "paid": "number", "seen": "date"}
    assert read(found)[0] == [(1, " ", "31.12.2024"), (2, "3.5", "01.01.2025")]


def test_types_are_inferred_without_stated_markers(tmp_path):
    found = source(write(tmp_path, "n,s\n1,?\n ? ,b\n"), missing=("?",))
    assert found.schema() == {"n": "integer", "s": "text"}
    assert read(found)[0] == [(1, "?"), (None, "b")]


@pytest.mark.parametrize(
    "name",
    [
        "comma_in_quotes",
        "empty",
        "empty_crlf",
        "escaped_quotes",
        "json",
        "newlines",
        "newlines_crlf",
        "quotes_and_newlines",
        "simple",
        "simple_crlf",
        "utf8",
    ],
)
def test_csv_spectrum_is_read_as_its_authors_expect(shared, name):
    folder = shared / "malformed-csv" / "csv-spectrum"
    expected = json.loads((folder / "json" / f"{name}.json").read_text())
    path = folder / "csvs" / f"{name}.csv"
    found = source(path, dict.fromkeys(expected[0], "text"))
    rows, refused = read(found)
    texts = [tuple((value or None) and value.replace("\r\n", "\n") for value in row.values()) for row in expected]
    assert refused == []
    assert [tuple(v and v.replace("\r\n", "\n") for v in row) for row in rows] == texts


def test_the_csv_whose_expected_record_is_another_is_read_as_it_is_written(shared):
    path = shared / "malformed-csv" / "csv-spectrum" / "csvs" / "location_coordinates.csv"
    ((phone, _, *place),), refused = read(source(path))
    assert (phone, place, refused) == (2095257564, ["Modesto", "Stanislaus"], [])


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_refused_lines_have_the_number_that_an_editor_shows(tmp_path, end, mark):
    lines = ["id,note", '1,"two', 'lines"', "2", "", "", "3,x", "4,x,y", "5,z", "6"]
    _, refused = read(source(write(tmp_path, mark + end.join(lines) + end)))
    assert [(line, raw) for line, _, _, raw in refused] == [(4, "2"), (8, "4,x,y"), (10, "6")]


POLLUTED = Path("malformed-csv/pollock-polluted/csv")


@pytest.mark.parametrize("glob", ["row_*.csv", "source.csv", "file_[dfhnpr]*.csv", "file_multitable_less.csv"], ids=str)
def test_every_line_of_a_polluted_file_is_kept_or_refused(shared, glob):
    paths = [path for path in sorted((shared / POLLUTED).glob(glob)) if path.stat().st_size]
    assert paths
    for path in paths:
        rows, refused = read(source(path))
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        headers = 0 if path.name == "file_no_header.csv" else 1
        placed = len(rows) + sum(raw.count("\n") + 1 for *_, raw in refused)
        assert (path.name, placed) == (path.name, len(lines) - headers)


def test_decimal_comma_and_thousands_are_read_only_as_stated(tmp_path):
    path = write(tmp_path, "n;x;code\n1.234;1.234,50;1,2,3\n-5;-0,5;x\n12;1.2;y\n")
    found = source(path, {"n": "integer", "x": "number", "code": "text"}, decimal=",", thousands=".")
    rows, refused = read(found)
    assert rows == [(1234, 1234.5, "1,2,3"), (-5, -0.5, "x"), (12, None, "y")]
    assert (odd(found), refused) == ([(2, "x", "1.2")], [])
    assert source(path, decimal=",").schema() == {"n": "text", "x": "text", "code": "text"}
    assert source(write(tmp_path, "x;y\n1,5;?\n2;3\n", "b.csv"), decimal=",", missing=("?",)).schema() == {
        "x": "number",
        "y": "integer",
    }


def test_a_surplus_delimiter_at_the_end_is_refused_and_not_kept_shifted(tmp_path):
    path = write(tmp_path, 'a,b,c\n1,2,3\n4,,5,\n7,8,\n"x,",y,z,\n')
    rows, refused = read(source(path))
    assert rows == [(1, 2, 3), (7, 8, None)]
    assert refused == [
        (3, None, "4 values where 3 columns are expected", "4,,5,"),
        (5, None, "4 values where 3 columns are expected", '"x,",y,z,'),
    ]


def test_every_line_of_the_surveyed_files_is_kept_or_refused(shared):
    for path in sorted((shared / "malformed-csv" / "pollock-survey-sample" / "csv").iterdir()):
        if path.name.startswith("36_") or not path.stat().st_size:
            continue  # values of file 36 hold blank lines, so that counting lines is no proof there
        names = list(source(path).schema())
        rows, refused = read(source(path, dict.fromkeys(names, "text")))
        lines = [line for line in re.split(rb"\r\n|\r|\n", path.read_bytes()) if line.strip()]
        within = sum((value or "").replace("\r\n", "\n").count("\n") for row in [names, *rows] for value in row)
        placed = len(rows) + within + sum(raw.count("\n") + 1 for *_, raw in refused)
        headless = names == [f"column_{n}" for n in range(1, len(names) + 1)]
        header = 0 if headless else {"13": 3}.get(path.name[:2], 1)  # its years and "Restated" belong to the names
        assert (path.name, placed + header) == (path.name, len(lines))


@pytest.mark.parametrize("line", ["{i},{i},too,many", '{i},"a, b",too,many', '{i},"a" b', "{i}"])
def test_a_file_of_broken_lines_is_refused_line_by_line_without_being_held(tmp_path, monkeypatch, line):
    monkeypatch.setattr(refusals, "_HELD", 1000)
    lines = [f"{i},x" if i % 10 == 0 else line.format(i=i) for i in range(30_000)]
    path = write(tmp_path, "\n".join(["id,name", *lines]).encode())
    opened = source(path)
    batches = list(opened.batches(None))
    assert sum(batch.frame.height for batch in batches) == 3000
    refused = pl.concat([batch.refused for batch in batches])
    assert refused["line"].to_list() == [i + 2 for i in range(30_000) if i % 10]
    assert refused["raw"].to_list() == [one for i, one in enumerate(lines) if i % 10]
    assert refused["reason"].n_unique() == 1
    (taken,) = [taken for _, taken in opened._format._mended.values()]
    assert len(taken) == 27_000
    assert len(taken._held) < 1000, "most rest on disk"


def test_a_line_that_is_no_text_behind_blank_lines_is_told_as_it_is(tmp_path):
    path = write(tmp_path, b"id,name\n1,ann\n\n\n2,caf\xe9\n3,fl\xc3\xb6\n")
    assert [(row[0], row[3]) for row in read(source(path))[1]] == [(5, r"2,caf\xe9")]


MEASURED = """
import resource, sys
from pathlib import Path
from millrace.config.schema import SourceSettings
from millrace.sources import open_source

source = open_source("s", SourceSettings(**{"from": "a.csv"}), Path(sys.argv[1]))
print(sum(batch.refused.height for batch in source.batches(None)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_broken_lines(tmp_path):
    peaks = []
    for count in (20_000, 300_000):
        lines = (f"{i},x" if i % 3 == 0 else f"{i},too,many" for i in range(count))
        write(tmp_path, "\n".join(["id,name", *lines]))
        command = [sys.executable, "-c", MEASURED, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        refused, peak = map(int, done.stdout.split())
        assert refused == sum(i % 3 > 0 for i in range(count))
        peaks.append(peak / 1024)
    assert peaks[1] - peaks[0] < 150, f"{peaks} MB: what is held of 280,000 lines more"
