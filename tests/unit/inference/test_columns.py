from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from millrace.errors import RequestError
from millrace.inference.columns import Reader, from_columns, from_rows
from millrace.records.signature import Field, FieldType, Signature


def one(kind: FieldType, *, required: bool = False) -> Signature:
    return Signature("regression", "y", (Field("x", kind, required=required),))


def read(kind: FieldType, value: object) -> object:
    numbers, texts = from_rows(one(kind), [{"x": value}])
    return (numbers if numbers.size else texts)[0, 0]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("number", 2, 2.0),
        ("number", 2.5, 2.5),
        ("integer", 3, 3.0),
        ("integer", 3.0, 3.0),
        ("boolean", True, 1.0),
        ("boolean", 0, 0.0),
        ("date", "1970-01-31", 30.0),
        ("date", date(1969, 12, 31), -1.0),
        ("datetime", "1970-01-01T01:00:00", 3600.0),
        ("datetime", "1970-01-01T01:00:00+01:00", 0.0),
        ("datetime", "1970-01-02T00:00:00.5Z", 86400.5),
        ("datetime", datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0.0),
        ("category", "gold", "gold"),
        ("category", 7, "7"),
        ("category", 7.0, "7"),
        ("category", 7.5, "7.5"),
        ("category", False, "false"),
        ("text", "A b, c!", "a b c"),
    ],
)
def test_a_value_of_its_kind_enters_the_graph(kind: FieldType, value: object, expected: object) -> None:
    assert read(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "seen"),
    [
        ("number", "12", "the text 12"),
        ("number", True, "the boolean True"),
        ("number", math.inf, "the number inf"),
        ("number", 10**400, "the number 1000"),
        ("number", [1], "a list"),
        ("integer", 3.5, "the number 3.5"),
        ("boolean", 2, "the number 2"),
        ("boolean", "true", "the text true"),
        ("date", "17.05.2026", "the text 17.05.2026"),
        ("date", 20590, "the number 20590"),
        ("datetime", "yesterday", "the text yesterday"),
        ("category", {"a": 1}, "an object"),
    ],
)
def test_a_value_of_another_kind_is_named(kind: FieldType, value: object, seen: str) -> None:
    with pytest.raises(RequestError, match=seen) as caught:
        from_rows(one(kind), [{"x": None}, {"x": value}])
    assert (caught.value.row, caught.value.field, caught.value.code) == (1, "x", "request.type")
    assert caught.value.allowed


@pytest.mark.parametrize("row", [{}, {"x": None}, {"x": math.nan}, {"x": ""}])
def test_missing_values_are_nan_or_the_empty_text(row: dict[str, object]) -> None:
    numbers, _ = from_rows(one("number"), [row])
    _, texts = from_rows(one("category"), [row])
    assert math.isnan(numbers[0, 0])
    assert texts[0, 0] == ""


@pytest.mark.parametrize("kind", ["number", "integer", "date", "category"])
@pytest.mark.parametrize("row", [{}, {"x": None}, {"x": math.nan}, {"x": ""}])
def test_a_required_field_must_be_there(kind: FieldType, row: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="missing") as caught:
        from_rows(one(kind, required=True), [row])
    assert (caught.value.row, caught.value.field) == (0, "x")


def test_columns_keep_the_order_of_the_signature() -> None:
    fields = (Field("a", "number"), Field("b", "text"), Field("c", "integer"), Field("d", "category"))
    numbers, texts = from_rows(Signature("regression", "y", fields), [{"d": "D", "c": 3, "b": "B", "a": 1.5}])
    assert numbers.tolist() == [[1.5, 3.0]]
    assert texts.tolist() == [["b", "D"]]


def test_unknown_fields_are_ignored_and_counted() -> None:
    reader = Reader(one("number"))
    rows = [{"x": 1.0, "z": 1}, {"y": 1, "z": 2}]
    assert reader.from_rows(rows)[0].shape == (2, 1)
    assert reader.surplus(rows) == 3


def test_a_row_that_is_not_an_object_is_named() -> None:
    with pytest.raises(RequestError, match="A row is a list"):
        from_rows(one("number"), [{}, [1.0]])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("kind", "array", "expected"),
    [
        ("number", np.array([1, 2], dtype=np.int32), [1.0, 2.0]),
        ("number", np.array([1.5, 2.5], dtype=np.float32), [1.5, 2.5]),
        ("integer", np.array([1.0, 2.0]), [1.0, 2.0]),
        ("boolean", np.array([True, False]), [1.0, 0.0]),
        ("date", np.array(["1970-01-02", "1970-01-03"], dtype="datetime64[ns]"), [1.0, 2.0]),
        ("datetime", np.array(["1970-01-01T00:00:01", "1970-01-01T00:00:02.5"], dtype="datetime64[ms]"), [1.0, 2.5]),
        ("category", ["a", 2], ["a", "2"]),
    ],
)
def test_whole_columns_are_read_like_single_values(kind: FieldType, array: object, expected: list[object]) -> None:
    numbers, texts = from_columns(one(kind), {"x": array})  # type: ignore[dict-item]
    assert (numbers if numbers.size else texts)[:, 0].tolist() == expected


def test_absent_times_in_an_array_are_missing() -> None:
    numbers, _ = from_columns(one("date"), {"x": np.array(["NaT", "1970-01-02"], dtype="datetime64[D]")})
    assert np.isnan(numbers[0, 0])
    assert numbers[1, 0] == 1.0


def test_an_infinite_array_is_refused() -> None:
    with pytest.raises(RequestError, match="inf"):
        from_columns(one("number"), {"x": np.array([1.0, np.inf])})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(RequestError, match="1 values where another field has 2"):
        from_columns(one("number"), {"x": [1.0], "y": [1.0, 2.0]})
