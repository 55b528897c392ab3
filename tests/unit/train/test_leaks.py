"""Leak promises: a column that gives the answer away is named, an honest one is not."""

import numpy as np
import polars as pl
import pytest

from millrace.records.signature import Field
from millrace.train.leaks import leak_warnings

TRUTH = np.array([0, 1] * 50)
NOISE = np.random.default_rng(0).random(100)


@pytest.mark.parametrize(
    ("field", "values", "truth"),
    [
        pytest.param("number", NOISE + TRUTH * 2, TRUTH, id="ranks-the-classes"),
        pytest.param("number", NOISE - TRUTH * 2, TRUTH, id="ranks-them-downwards"),
        pytest.param("category", ["n", "y"] * 50, TRUTH, id="names-the-classes"),
        pytest.param("integer", [5, 3, 9, 5] * 25, np.array([1, 2, 0, 1] * 25), id="function-of-a-number"),
        pytest.param("number", NOISE * 3 + 1, NOISE, id="proportional-to-the-value"),
    ],
)
def test_a_telling_column_is_named(field: str, values: object, truth: np.ndarray) -> None:
    found = leak_warnings(pl.DataFrame({"x": values}), [Field("x", field)], truth, "y")  # type: ignore[arg-type]
    assert found == (
        "Warning: `x` alone predicts `y` almost perfectly. If it is known only after the outcome, "
        "name it under model.drop.",
    )


@pytest.mark.parametrize(
    ("field", "values", "truth"),
    [
        pytest.param("number", NOISE, TRUTH, id="noise"),
        pytest.param("category", [f"c{i}" for i in range(100)], TRUTH, id="distinct-codes"),
        pytest.param("category", ["a"] * 100, np.array([0] * 99 + [1]), id="one-value"),
    ],
)
def test_an_honest_column_is_not_named(field: str, values: object, truth: np.ndarray) -> None:
    rows = pl.DataFrame({"x": values})
    assert leak_warnings(rows, [Field("x", field)], truth, "y") == ()  # type: ignore[arg-type]
