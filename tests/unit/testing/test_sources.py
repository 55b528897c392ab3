from dataclasses import replace

import polars as pl
import pytest

from millrace.records.batch import Batch
from millrace.sources.base import refused
from millrace.testing.sources import SourceContract


class Counting:
    """Three batches of one row; each fault breaks one promise."""

    name = "counting"

    def __init__(self, fault=""):
        self.fault = fault

    def schema(self):
        return {"n": "integer"}

    def batches(self, after):
        for n in range(after["n"] + 1 if after else 1, 4):
            if self.fault == "loses a row" and after and n == after["n"] + 1:
                continue
            column = "m" if self.fault == "other column" else "n"
            frame = pl.DataFrame({column: pl.Series([n], dtype=pl.Int32 if self.fault == "other type" else pl.Int64)})
            batch = Batch(frame, refused(), "here", n, {"n": n})
            yield replace(batch, first_row=1) if self.fault == "same numbers" else batch


def contract(fault):
    class Suite(SourceContract):
        def open(self):
            return Counting(fault)

    return Suite()


PROMISES = [name for name in dir(SourceContract) if name.startswith("test_")]


@pytest.mark.parametrize("promise", PROMISES)
def test_a_true_source_keeps_every_promise(promise):
    getattr(contract(""), promise)()


@pytest.mark.parametrize(
    ("fault", "promise", "said"),
    [
        ("loses a row", "test_a_reading_continues_exactly_behind_every_position", "1 batches where 2 are expected"),
        ("other column", "test_every_frame_has_the_columns_of_the_schema_in_order", "schema"),
        ("other type", "test_every_frame_has_the_columns_of_the_schema_in_order", "`n` is Int32"),
        ("same numbers", "test_rows_are_numbered_without_gaps", "here: row 2 is called 1"),
    ],
)
def test_a_broken_promise_is_seen(fault, promise, said):
    with pytest.raises(AssertionError, match=said):
        getattr(contract(fault), promise)()
