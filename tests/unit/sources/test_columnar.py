from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources.columnar import flat, found_types, joined, names_of, part, plain_frame, raw_frame, typed


def settings(**said):
    return SourceSettings.model_validate({"from": "x", **said})


def types(*records, **said):
    return found_types(raw_frame(records, names_of(records)), settings(**said), "s")


def test_names_that_meet_when_flattened_are_numbered():
    assert flat({"a.b": 1, "a": {"b": 2}}) == {"a.b": 1, "a.b_2": 2}


def test_an_empty_object_is_kept():
    assert flat({"a": {}}) == {"a": {}}


def test_what_is_nested_beyond_measure_stays_one_value():
    record = value = {}
    for _ in range(300):
        value["a"] = {}
        value = value["a"]
    value["end"] = 1
    assert list(flat(record)) == [".".join("a" * 101)]


VALUES = {
    "integer": [1, None, 2],
    "number": [1, 2.5, None],
    "boolean": [True, None],
    "text": ["7", "x"],
    "date": ["2026-01-31", None],
    "datetime": ["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5+02:00"],
}


@pytest.mark.parametrize("kind", VALUES)
def test_json_says_the_type(kind):
    assert types(*({"a": value} for value in VALUES[kind])) == {"a": kind}


@pytest.mark.parametrize("values", [[1, "x"], [True, 2], [2**70, 1], [None, None], [[1], {}], ["1", "2"]])
def test_values_with_nothing_in_common_are_texts(values):
    assert types(*({"a": value} for value in values)) == {"a": "text"}


def read(values, kind, **said):
    return typed(raw_frame([{"a": value} for value in values], ["a"]), {"a": kind}, settings(**said))


@pytest.mark.parametrize(
    ("values", "kind", "kept", "bad"),
    [
        ([1, "2", "x"], "integer", [1, 2, None], [(2, "a", "x")]),
        ([1.0, 2.5], "integer", [1, None], [(1, "a", "2.5")]),
        ([True, 1], "integer", [None, 1], [(0, "a", "true")]),
        ([1, None], "number", [1.0, None], []),
        ([1, 2.5, "x"], "text", ["1", "2.5", "x"], []),
        (
            ["2026-01-31", "soon"],
            "date",
            [date(2026, 1, 31), None],
            [(1, "a", "soon")],
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named(values, kind, kept, bad):
    frame, misfits = read(values, kind)
    assert frame["a"].to_list() == kept
    assert misfits.rows() == bad


def test_markers_mean_no_value():
    frame, misfits = read([1, "n/a", "2"], "integer", missing=["n/a"])
    assert (frame["a"].to_list(), misfits.height) == ([1, None, 2], 0)


def test_a_stated_format_leaves_the_text_to_cleaning():
    frame, _ = read(["31.01.2026"], "date", columns={"a": {"format": "%d.%m.%Y"}})
    assert frame["a"].to_list() == ["31.01.2026"]


def test_a_field_left_out_has_no_value():
    frame, _ = typed(raw_frame([{"a": 1}], ["a", "b"]), {"a": "integer", "b": "text"}, settings())
    assert frame.rows() == [(1, None)]


def test_a_column_that_a_frame_lacks_is_not_made_up():
    assert typed(pl.DataFrame({"a": [1]}), {"a": "integer", "b": "text"}, settings())[0].columns == ["a"]


def parts(*batches, **schema):
    made = (raw_frame(records, dict.fromkeys((*schema, *names_of(records)))) for records in batches)
    return joined([part(frame, schema, settings(), "s") for frame in made], schema, settings(), 0)


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        ({"a": 1, "b": 2}, {"a": 2, "b": 0.5}, [2.0, 0.5]),
        ({"a": 1, "b": 2}, {"a": 2, "b": "x"}, ["2", "x"]),
        ({"a": 1, "b": True}, {"a": 2, "b": 1}, ["true", "1"]),
        ({"a": 1}, {"a": 2, "b": "2026-01-31"}, [None, date(2026, 1, 31)]),
        ({"a": 1, "b": None}, {"b": 3}, [None, 3]),
    ],
)
def test_a_field_that_the_schema_lacks_stands_behind_in_one_type(first, second, values):
    made = parts([first], [second], a="integer")
    assert made.frame.columns == ["a", "b"]
    assert made.frame["b"].to_list() == values


def test_a_new_field_without_any_value_tells_nothing():
    assert parts([{"a": 1, "b": None}], a="integer").frame.columns == ["a"]


def test_misfits_of_several_parts_name_their_rows_in_the_batch():
    made = parts([{"a": 1}, {"a": "x"}], [{"a": "y"}], a="integer")
    assert made.misfits.rows() == [(1, "a", "x"), (2, "a", "y")]


def test_a_stated_and_typed_column_is_taken_before_any_record_has_it():
    assert types({"a": 1}, columns={"b": {"type": "date"}}) == {"a": "integer", "b": "date"}


def test_a_stated_column_without_type_must_be_there():
    with pytest.raises(SourceError, match=r"`colour`, which is not in the data\. Did you mean `color`"):
        types({"color": 1}, columns={"colour": {"missing": ["x"]}})


@pytest.mark.parametrize("name", ["", "^a$"])
def test_a_name_that_no_column_can_have_is_refused(name):
    with pytest.raises(SourceError, match="cannot be used"):
        types({name: 1})


def test_frames_of_any_types_become_those_of_a_table():
    moment = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    frame = pl.DataFrame(
        {
            "i": pl.Series([1], dtype=pl.Int8),
            "u": pl.Series([2**64 - 1], dtype=pl.UInt64),
            "f": pl.Series([0.5], dtype=pl.Float32),
            "d": pl.Series([Decimal("1.25")]),
            "c": pl.Series(["x"], dtype=pl.Categorical),
            "t": pl.Series([moment]).dt.convert_time_zone("Europe/Berlin"),
            "s": [{"a": [1, date(2026, 1, 1)][0:1]}],
            "l": [[1, 2]],
            "b": [b"\x01"],
            "n": [None],
        }
    )
    assert plain_frame(frame).row(0) == (
        1,
        "18446744073709551615",
        0.5,
        1.25,
        "x",
        datetime(2026, 1, 31, 10),
        '{"a":[1]}',
        "[1,2]",
        "01",
        None,
    )


def test_python_values_have_the_types_of_a_table():
    records = [{"at": datetime(2026, 1, 31, 12, tzinfo=UTC), "day": date(2026, 1, 31), "price": Decimal("1.50")}]
    frame = raw_frame(records, names_of(records))
    assert frame.row(0) == (datetime(2026, 1, 31, 12), date(2026, 1, 31), "1.50")


def test_an_object_that_is_sometimes_null_is_no_column_of_its_own():
    assert types(flat({"a": {"b": 1}}), flat({"a": None})) == {"a.b": "integer"}
    assert types(flat({"a": {"b": 1}}), flat({"a": "x"})) == {"a.b": "integer", "a": "text"}
