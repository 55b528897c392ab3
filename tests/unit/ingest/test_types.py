from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.compiling import compile_rules
from unit.ingest.intake import settings


def read(texts, column, **sections):
    """What a column of texts becomes: the values kept, and the reasons of the rows refused."""
    frame = pl.DataFrame({"x": texts}, schema={"x": pl.String})
    split = compile_rules("s", settings(columns={"x": column}, **sections), frame.schema).split(frame, 1)
    return split.kept["x"].to_list(), split.refused["_reasons"].to_list()


def test_numbers_are_plain_and_nan_is_missing():
    assert read(["1.5", "-2", "1e3", "nan"], {"type": "number"}) == ([1.5, -2.0, 1000.0, None], [])


def test_a_text_that_is_no_number_is_refused_with_what_was_seen():
    kept, reasons = read(["abc", "1,5", "inf", "1"], {"type": "number"})
    assert kept == [1.0]
    assert reasons == [f"type: x is not a number: '{text}'" for text in ("abc", "1,5", "inf")]


def test_a_fraction_is_no_integer():
    assert read(["3", "3.5"], {"type": "integer"}) == ([3], ["type: x is not a whole number: '3.5'"])


def test_booleans_are_read_in_the_usual_words():
    kept, reasons = read(["true", "No", "1", "F", "maybe"], {"type": "boolean"})
    assert kept == [True, False, True, False]
    assert reasons == ["type: x is not true or false: 'maybe'"]


def test_dates_are_iso_unless_a_format_is_stated():
    assert read(["2024-02-29", "31.12.2024"], {"type": "date"}) == (
        [date(2024, 2, 29)],
        ["type: x is not a date: '31.12.2024'"],
    )
    assert read(["31.12.2024"], {"type": "date", "format": "%d.%m.%Y"}) == ([date(2024, 12, 31)], [])


def test_moments_with_a_zone_become_utc():
    kept, reasons = read(
        [
            "2024-01-01T10:00:00Z",
            "2024-01-01 10:00:00+02:00",
            "2024-01-01 10:00",
            "2024-01-01",
            "2024-01-01T10:00:00.5",
        ],
        {"type": "datetime"},
    )
    assert reasons == []
    assert kept == [
        datetime(2024, 1, 1, 10),
        datetime(2024, 1, 1, 8),
        datetime(2024, 1, 1, 10),
        datetime(2024, 1, 1),
        datetime(2024, 1, 1, 10, 0, 0, 500_000),
    ]


def test_missing_markers_of_column_and_source_and_the_empty_text_are_null():
    assert read(["n/a", "-", "", "4"], {"type": "number", "missing": ["n/a"]}, missing=["-"]) == (
        [None, None, None, 4.0],
        [],
    )


def test_a_marker_matches_before_and_after_trimming():
    trim = [{"trim": "all"}]
    assert read([" ", " n/a ", " 7 "], {"type": "number", "missing": ["n/a", " "]}, clean=trim) == (
        [None, None, 7.0],
        [],
    )


def test_blanks_around_a_number_are_refused_where_trimming_was_not_asked():
    assert read([" 7"], {"type": "number"}) == ([], ["type: x is not a number: ' 7'"])


def test_a_column_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(ProjectFileError, match="`tenur` is not a column") as caught:
        compile_rules("s", settings(columns={"tenur": {"type": "number"}}), {"tenure": pl.String()})
    assert caught.value.nearest == "tenure"


def test_a_type_that_a_table_does_not_hold_is_refused_before_anything_is_read():
    with pytest.raises(ProjectFileError, match="which a table does not hold"):
        compile_rules("s", settings(), {"codes": pl.List(pl.Int64())})


def test_a_reserved_name_is_refused():
    with pytest.raises(ProjectFileError, match="`_run` is reserved"):
        compile_rules("s", settings(), {"_run": pl.String()})
