from __future__ import annotations

import pytest

from millrace.errors import RequestError
from millrace.records.signature import Field, Signature
from millrace.serve.shapes import rows_of, rows_of_csv

SIGNATURE = Signature(
    "regression", "price", (Field("age", "number"), Field("plan", "category"), Field("new", "boolean"))
)


def test_a_field_named_like_a_shape_is_still_a_field() -> None:
    signature = Signature("regression", "price", (Field("data", "number"), Field("inputs", "text")))
    assert rows_of({"data": 1.0, "inputs": "x"}, signature) == [{"data": 1.0, "inputs": "x"}]


def test_no_rows_are_no_rows() -> None:
    assert rows_of({"columns": {}}, SIGNATURE) == []
    assert rows_of_csv(b"", SIGNATURE) == []


def test_a_row_of_the_wrong_length_is_named() -> None:
    with pytest.raises(RequestError, match="2 values"):
        rows_of({"instances": [[1, "a", True], [1, "a"]]}, SIGNATURE)


@pytest.mark.parametrize("second", [[1, 2], 7])
def test_ragged_columns_are_named(second: object) -> None:
    with pytest.raises(RequestError, match=r"It (has|is not)"):
        rows_of({"columns": {"age": [1], "plan": second}}, SIGNATURE)


def test_csv_cells_are_read_as_their_fields() -> None:
    rows = rows_of_csv('\ufeffage,plan,new,other\n1e3,"a,b",TRUE,x\n,,0,\n'.encode(), SIGNATURE)
    assert rows == [
        {"age": 1000.0, "plan": "a,b", "new": True, "other": "x"},
        {"age": None, "plan": None, "new": 0.0, "other": None},
    ]


def test_a_cell_that_is_no_number_stays_a_text() -> None:
    assert [row["age"] for row in rows_of_csv(b"1_000,a,1\nold,a,1\n", SIGNATURE)] == ["1_000", "old"]


def test_bytes_that_are_no_csv_are_refused() -> None:
    with pytest.raises(RequestError, match="not CSV"):
        rows_of_csv(b"\xff\xfe", SIGNATURE)
