"""Leak promises: a column that gives the answer away is named, an honest one is not."""

import numpy as np
import polars as pl
import pytest

from millrace.records.signature import Field
from millrace.train.leaks import counter_warnings, leak_warnings

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


INVOICE = pl.DataFrame({"invoice": [1000 + 7 * n + n % 3 for n in range(200)]})
LATER = np.array([[0.0]] * 140 + [[1.0]] * 60)
EVEN = np.array([[0.0], [1.0]] * 100)


def counters(frame, goals, time=None):
    kinds = {pl.Int64: "integer", pl.Float64: "number", pl.Date: "date"}
    fields = [Field(name, kinds[type(kind)]) for name, kind in frame.schema.items()]
    return counter_warnings(frame, fields, goals, "late", time)


def test_a_number_that_counts_the_rows_and_tells_the_target_is_named() -> None:
    (found,) = counters(INVOICE, LATER)
    assert found.startswith("Warning: `invoice` counts on with the order of the rows, and `late` changes along it.")
    assert found.endswith("name it under model.drop, or let the latest rows judge with model.split.time.")


def test_a_counter_is_known_by_a_date_whatever_the_order_of_rows() -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 7, 18), eager=True).alias("day")
    order = np.random.default_rng(0).permutation(200)
    (found,) = counters(INVOICE.with_columns(days)[order], LATER[order])
    assert "`invoice` counts on with `day`" in found
    (found,) = counters(INVOICE[order], LATER[order], days[order])
    assert found.endswith("name it under model.drop.")


@pytest.mark.parametrize(
    ("frame", "goals"),
    [
        pytest.param(INVOICE, EVEN, id="tells-nothing"),
        pytest.param(INVOICE.sample(fraction=1, shuffle=True, seed=0), LATER, id="not-in-order"),
        pytest.param(INVOICE.with_columns(invoice=pl.col("invoice") // 500), LATER, id="few-values"),
        pytest.param(INVOICE.cast(pl.Float64), LATER, id="measured"),
    ],
)
def test_what_counts_no_time_is_not_named(frame, goals) -> None:
    assert counters(frame, goals) == ()
