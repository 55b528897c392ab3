from datetime import date, datetime

import polars as pl
import pytest

from millrace.sources.column_types import infer, kind_of, parse, widest


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", " 3"], "integer"),
        (["9007199254740993", "1"], "integer"),
        (["1", "2.5", "1e3"], "number"),
        (["9007199254740993", "0.5"], "text"),
        (["99999999999999999999"], "text"),
        (["007", "12"], "text"),
        (["0", "0.5", "-0.25"], "number"),
        (["+4930123"], "text"),
        (["true", "False"], "boolean"),
        (["t", "f"], "text"),
        (["yes", "no"], "text"),
        (["2024-02-29"], "date"),
        (["2023-02-29"], "text"),
        (["2024-02-29", "2024-03-01T10:00:00Z"], "datetime"),
        (["1", "NA"], "text"),
        (["1", "nan"], "text"),
        (["1", " "], "text"),
        ([None, "4"], "integer"),
        ([None], None),
    ],
)
def test_a_type_is_given_only_where_no_text_changes_its_meaning(texts, kind):
    assert kind_of(pl.Series(texts, dtype=pl.String)) == kind


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "1.5", "x", None], "integer", [1, None, None, None]),
        (["1e2", "inf", "nan", "-.5"], "number", [100.0, None, None, -0.5]),
        (["Yes", "0", "T", "maybe"], "boolean", [True, False, True, None]),
        (["2024-1-1", "2024-01-01", "infinity"], "date", [None, date(2024, 1, 1), None]),
        (
            ["2024-01-01 10:00", "2024-01-01T10:00:00+02:00", "2024-01-01", "10:00"],
            "datetime",
            [datetime(2024, 1, 1, 10), datetime(2024, 1, 1, 8), datetime(2024, 1, 1), None],
        ),
        (["007", ""], "text", ["007", ""]),
    ],
)
def test_texts_that_do_not_fit_a_type_become_null(texts, kind, values):
    assert parse(pl.Series(texts, dtype=pl.String), kind).to_list() == values


def test_two_types_meet_in_the_narrowest_that_holds_both():
    assert widest("integer", "number") == "number"
    assert widest("datetime", "date") == "datetime"
    assert widest("boolean", "integer") == "text"
    assert widest(None, "boolean") == "boolean"


def test_inference_goes_on_over_all_frames_and_leaves_markers_out():
    frames = [pl.DataFrame({"a": ["1", "?"], "b": ["1", "2"]}), pl.DataFrame({"a": [" ? ", "2"], "b": ["3", "x"]})]
    assert infer(frames, {"a": ("?",)}) == {"a": "integer", "b": "text"}
