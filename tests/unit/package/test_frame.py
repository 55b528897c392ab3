from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from millrace.errors import RequestError
from millrace.inference.columns import from_rows
from millrace.package.frame import demand, matrices, tabular
from millrace.records.signature import Field, Signature

NAN = float("nan")
FIELDS = {
    "n": "number",
    "i": "integer",
    "b": "boolean",
    "d": "date",
    "t": "datetime",
    "c": "category",
    "x": "text",
}
SIGNATURE = Signature("regression", "y", tuple(Field(name, kind) for name, kind in FIELDS.items()))
MOMENT = datetime(1970, 1, 1, 0, 1, 0, 500000)
ROWS = [
    {
        "n": 1.5,
        "i": 7,
        "b": True,
        "d": date(1970, 1, 3),
        "t": MOMENT,
        "c": "é",
        "x": "a",
    },
    {"n": None, "i": None, "b": None, "d": None, "t": None, "c": None, "x": ""},
]


def test_values_enter_as_the_signature_says():
    numbers, texts = matrices(pl.DataFrame(ROWS), SIGNATURE)
    np.testing.assert_array_equal(numbers, [[1.5, 7.0, 1.0, 2.0, 60.5], [np.nan] * 5])
    assert texts.tolist() == [["é", "a"], ["", ""]]


def test_a_frame_and_the_same_rows_in_a_request_enter_alike():
    rows = [*ROWS, {"n": -3, "i": 0, "b": False, "d": date(1969, 12, 31), "t": datetime(1969, 7, 20, 20, 17), "c": "7"}]
    for framed, requested in zip(matrices(tabular(rows), SIGNATURE), from_rows(SIGNATURE, rows), strict=True):
        np.testing.assert_array_equal(framed, requested)


def test_numbers_and_booleans_in_text_fields_are_their_texts():
    frame = pl.DataFrame({"c": [7, None], "x": [7.0, 0.5]})
    assert matrices(frame, SIGNATURE)[1].tolist() == [["7", "7"], ["", "0 5"]]
    assert matrices(pl.DataFrame({"c": [True]}), SIGNATURE)[1].tolist() == [["true", ""]]


def test_moments_with_a_zone_are_taken_in_utc():
    east = timezone(timedelta(hours=2))
    moment = datetime(1970, 1, 1, 2, 0, 1, tzinfo=east).astimezone(UTC)
    frame = pl.DataFrame({"t": [moment]}).with_columns(pl.col("t").dt.convert_time_zone("Europe/Berlin"))
    assert matrices(frame, SIGNATURE)[0][0, 4] == 1.0


def test_a_date_given_as_text_is_refused():
    with pytest.raises(RequestError, match=r"field d[\s\S]*It holds String[\s\S]*dates"):
        matrices(pl.DataFrame({"d": ["1970-01-03"]}), SIGNATURE)


def test_lists_in_text_fields_are_refused():
    with pytest.raises(RequestError, match=r"It holds List"):
        matrices(pl.DataFrame({"c": [["a"]]}), SIGNATURE)


def test_a_required_value_that_is_missing_is_named():
    signature = Signature("regression", "y", (Field("n", "number", required=True),))
    with pytest.raises(RequestError, match="row 1, field n"):
        demand(*matrices(pl.DataFrame({"n": [1.0, None]}), signature), signature)


def test_missing_values_of_pandas_like_frames_are_null():
    class Column:
        def __init__(self, values):
            self.values = values

        def tolist(self):
            return self.values

        def isna(self):
            return Column([value is None or value is NAN for value in self.values])

    class Frame:
        columns = ("c", "n")

        def isna(self):
            return self

        def __getitem__(self, name):
            return Column({"c": ["a", NAN], "n": [1.0, NAN]}[name])

    assert tabular(Frame()).to_dict(as_series=False) == {"c": ["a", None], "n": [1.0, None]}
