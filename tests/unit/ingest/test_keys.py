"""The keys of a table are found wherever they are, and no two different keys are taken for one."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from millrace.ingest import keys
from millrace.ingest.keys import Key, Keys
from millrace.store.tables import Snapshot, Table

A, B = Key(("a",)), Key(("b",))


def table(store, frame, origin="one.csv"):
    at = Table(store, "tables/t")
    return at.append(at.snapshot(), placed(frame, origin), number=1 << 32)


def placed(frame, origin):
    return frame.with_columns(pl.lit(origin).alias("_origin"), pl.int_range(1, pl.len() + 1).alias("_row"))


def asked_twice(snapshot):
    """The keys as they are from the second batch of an ingest on: held in memory."""
    found = Keys()
    found.of(snapshot)
    return found.of(snapshot)


VALUES = {
    "whole numbers": [-(2**63), -1, 0, 2**63 - 1],
    "texts": ["", "a", "Straße", "a" * 300],
    "numbers": [-0.5, 0.0, 1e300, 0.1],
    "dates": [date(1900, 1, 1), date(1969, 12, 31), date(2026, 1, 1), date(9999, 12, 31)],
    "times": [datetime(1900, 1, 1), datetime(1969, 12, 31, 23), datetime(2026, 1, 1, 0, 0, 0, 1), datetime(9999, 1, 1)],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_each_value_is_found_at_its_place_by_the_first_batch_and_by_later_ones(store, values):
    now = table(store, pl.DataFrame({"a": values[:3]}))
    asked = pl.DataFrame({"a": [values[3], values[2], values[0], None]})
    first, later = Keys().of(now).places(A, asked), asked_twice(now).places(A, asked)
    assert first.rows() == later.rows() == [(1, "one.csv", 3), (2, "one.csv", 1)]


def test_flags_are_found(store):
    now = table(store, pl.DataFrame({"a": [True]}))
    asked = pl.DataFrame({"a": [False, True]})
    assert asked_twice(now).places(A, asked).rows() == [(1, "one.csv", 1)]


def test_zero_is_zero_with_either_sign(store):
    now = table(store, pl.DataFrame({"a": [0.0]}))
    assert asked_twice(now).places(A, pl.DataFrame({"a": [-0.0]})).height == 1


def test_keys_of_several_columns_are_not_mixed_up(store):
    key = Key(("a", "b"))
    now = table(store, pl.DataFrame({"a": ["x", "xy"], "b": ["yz", "z"]}))
    asked = pl.DataFrame({"a": ["x", "xyz"], "b": ["yz", ""]})
    assert asked_twice(now).places(key, asked).rows() == [(0, "one.csv", 1)]


def test_a_missing_value_is_one_like_others_only_in_whole_rows(store):
    frame = pl.DataFrame({"a": [None, "x"], "b": [1, None]})
    now = table(store, frame)
    assert asked_twice(now).places(Key(("a", "b")), frame).is_empty()
    assert asked_twice(now).places(Key(("a", "b"), whole=True), frame).height == 2


def test_what_is_committed_meanwhile_is_found_too(store):
    at = Table(store, "tables/t")
    now = table(store, pl.DataFrame({"a": ["x"]}))
    found = asked_twice(now)
    assert found.places(A, pl.DataFrame({"a": ["z"]})).is_empty()
    for ordinal in range(2, 40):
        kept = placed(pl.DataFrame({"a": [f"n{ordinal}"]}), f"{ordinal}.csv")
        now = at.append(now, kept, number=ordinal << 32)
        found.add(now, kept)
        assert found.of(now).places(A, pl.DataFrame({"a": ["z", f"n{ordinal}"]})).rows() == [(1, f"{ordinal}.csv", 1)]
    every = [f"n{ordinal}" for ordinal in range(2, 40)]
    assert found.places(A, pl.DataFrame({"a": every})).height == 38


def test_a_table_that_another_writer_changed_is_looked_at_anew(store):
    at = Table(store, "tables/t")
    now = table(store, pl.DataFrame({"a": ["x"]}))
    found = asked_twice(now)
    found.places(A, pl.DataFrame({"a": ["x"]}))
    other = at.append(now, placed(pl.DataFrame({"a": ["y"]}), "other.csv"), number=2 << 32)
    assert found.of(other).places(A, pl.DataFrame({"a": ["y"]})).height == 1


@pytest.mark.parametrize("kind", [["x", "y", "z"], [1.5, 2.5, 3.5]])
def test_keys_that_hash_alike_are_told_apart(store, monkeypatch, kind):
    """Where every hash is the same, only the comparison of the values decides."""
    monkeypatch.setattr(keys, "hashed", lambda columns, exact: np.zeros(columns.height, np.uint64))
    now = table(store, pl.DataFrame({"a": kind[:2]}))
    asked = pl.DataFrame({"a": [kind[2], kind[1]]})
    assert asked_twice(now).places(A, asked).rows() == [(1, "one.csv", 2)]


def test_of_rows_that_were_there_twice_the_first_place_is_named(store):
    at = Table(store, "tables/t")
    now = table(store, pl.DataFrame({"a": ["x"]}), "b.csv")
    now = at.append(now, placed(pl.DataFrame({"a": ["x"]}), "a.csv"), number=2 << 32)
    for found in (Keys().of(now), asked_twice(now)):
        assert found.places(A, pl.DataFrame({"a": ["x"]})).rows() == [(0, "a.csv", 1)]


def test_a_long_table_is_compared_and_not_held(store, monkeypatch):
    monkeypatch.setattr(keys, "MOST", 1)
    now = table(store, pl.DataFrame({"a": [1, 2]}))
    found = asked_twice(now)
    assert found.places(A, pl.DataFrame({"a": [2]})).height == 1
    assert not found._held


def test_nothing_is_taken_before_the_first_commit():
    assert Keys().of(Snapshot(None, 0)).places(A, pl.DataFrame({"a": [1]})).is_empty()


def test_rows_that_left_the_table_take_no_key(store):
    """A text is looked up where it was; when its row was removed since, it is free."""
    at = Table(store, "tables/t")
    now = table(store, pl.DataFrame({"a": ["x", "y"]}))
    found = asked_twice(now)
    assert found.places(A, pl.DataFrame({"a": ["x"]})).height == 1
    now.delta.delete("a = 'x'")
    assert found.of(at.snapshot()).places(A, pl.DataFrame({"a": ["x", "y"]})).rows() == [(1, "one.csv", 2)]
