"""Typing promises: what each column becomes, and why one is left out."""

from datetime import date, datetime

import polars as pl
import pytest

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.records.signature import Field
from millrace.train.columns import describe, type_columns

ROWS = 40


def typed(column: pl.Series, **settings: object) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    frame = pl.DataFrame({"kept": [1.5, 2.5] * (ROWS // 2), "y": [0, 1] * (ROWS // 2)}).with_columns(column)
    fields, notes = type_columns(frame, ModelSettings.model_validate({"predict": "y"} | settings))
    return [(field.name, field.type) for field in fields if field.name != "kept"], notes


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        pytest.param([0.5, None], pl.Float64, "number", id="decimal"),
        pytest.param([0, 1], pl.Int64, "integer", id="flag-stays-numeric"),
        pytest.param([True, None], pl.Boolean, "boolean", id="boolean"),
        pytest.param([date(2024, 1, 1), date(2024, 1, 2)], pl.Date, "date", id="date"),
        pytest.param([datetime(2024, 1, 1), datetime(2024, 1, 2)], pl.Datetime("us"), "datetime", id="datetime"),
        pytest.param(["a", "b"], pl.String, "category", id="names"),
        pytest.param(["a", "b"], pl.Categorical, "category", id="categorical"),
        pytest.param(["a", None], pl.String, "category", id="one-text-or-missing"),
    ],
)
def test_usable_columns_become_fields(values: list[object], dtype: pl.DataType, expected: str) -> None:
    assert typed(pl.Series("x", values * (ROWS // 2), dtype=dtype)) == ([("x", expected)], ())


def test_sentences_are_text() -> None:
    assert typed(pl.Series("x", [f"day {i} was a fine one" for i in range(ROWS)])) == ([("x", "text")], ())


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        pytest.param(pl.Series("x", [7] * ROWS), "it is `7` in every row", id="constant"),
        pytest.param(pl.Series("x", [None] * ROWS, dtype=pl.Float64), "it has no value in any row", id="empty"),
        pytest.param(pl.Series("x", [""] * ROWS), "it has no value in any row", id="blank"),
        pytest.param(
            pl.Series("x", [f"c{i:03}" for i in range(ROWS)]),
            "it identifies rows (every value is different)",
            id="code",
        ),
        pytest.param(
            pl.Series("customerId", [i * i for i in range(ROWS)]),
            "it identifies rows (every value is different)",
            id="number-named-id",
        ),
        pytest.param(
            pl.Series("x", list(range(5, 5 + ROWS))), "it identifies rows (every value is different)", id="row-number"
        ),
        pytest.param(pl.Series("x", [[1, 2]] * ROWS), "its values are of type List(Int64)", id="list"),
    ],
)
def test_unusable_columns_are_named_with_the_reason(column: pl.Series, reason: str) -> None:
    assert typed(column) == ([], (f"`{column.name}` is not used: {reason}.",))


def test_distinct_measurements_are_no_identifier() -> None:
    fields, notes = typed(pl.Series("income", [i * i for i in range(ROWS)]))
    assert (fields, notes) == ([("income", "integer")], ())


def test_stated_columns_are_left_out() -> None:
    _, notes = typed(pl.Series("x", [1, 2] * (ROWS // 2)), drop=("x",))
    assert notes == ("`x` is not used: the project file drops it.",)


def test_dropping_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(TrainingError, match=r"no column `kepd` to drop\. Did you mean `kept`"):
        typed(pl.Series("x", [1, 2] * (ROWS // 2)), drop=("kepd",))


def test_no_usable_column_is_an_error_that_says_why() -> None:
    frame = pl.DataFrame({"unit": ["mm"] * 4, "y": [0, 1, 0, 1]})
    with pytest.raises(TrainingError, match=r"No column is left to predict `y` from\. `unit` is not used"):
        type_columns(frame, ModelSettings(predict="y"))


def test_fields_carry_bounds_categories_and_an_example() -> None:
    frame = pl.DataFrame({"age": [30, 20, None, 50], "plan": ["b", "a", "b", ""], "won": [True, False, True, True]})
    fields = [Field("age", "integer"), Field("plan", "category"), Field("won", "boolean")]
    assert describe(frame, fields) == (
        Field("age", "integer", low=20.0, high=50.0, example=30),
        Field("plan", "category", categories=("b", "a"), example="b"),
        Field("won", "boolean", low=0.0, high=1.0, example=True),
    )
