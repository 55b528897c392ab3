"""Profiles of parts give the profile of the whole, in any order and grouping."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.errors import DataError
from millrace.profile.build import profile
from millrace.profile.merge import merge
from millrace.records.profile import Profile
from millrace.records.signature import Field, Signature

SIGNATURE = Signature("regression", "y", (Field("n", "number"), Field("c", "category"), Field("t", "text")))
SCHEMA = {"n": pl.Float64, "c": pl.String, "t": pl.String}
REFERENCE = profile(
    pl.DataFrame({"n": [0.0, 1.0, 2.0, 50.0], "c": list("aabc"), "t": ["", "x", "xy", "xyz"]}, SCHEMA), SIGNATURE
)

Row = tuple[float | None, str | None, str | None]
rows = st.lists(
    st.tuples(
        st.none() | st.floats(-100, 100),
        st.none() | st.sampled_from([*"abcdefghijk", ""]),
        st.none() | st.text("xyz", max_size=6),
    ),
    max_size=20,
)


def of(part: list[Row]) -> Profile:
    return profile(pl.DataFrame(part, SCHEMA, orient="row"), SIGNATURE, REFERENCE)


def same(one: Profile, other: Profile) -> None:
    assert one.columns.keys() == other.columns.keys()
    for name, column in one.columns.items():
        twin = other.columns[name]
        assert column.mean == pytest.approx(twin.mean, abs=1e-9)
        assert column.m2 == pytest.approx(twin.m2, abs=1e-6)
        assert replace(column, mean=0.0, m2=0.0) == replace(twin, mean=0.0, m2=0.0)


@given(rows, rows)
def test_parts_give_the_whole(one: list[Row], other: list[Row]) -> None:
    same(merge(of(one), of(other)), of(one + other))


@given(rows, rows)
def test_order_does_not_matter(one: list[Row], other: list[Row]) -> None:
    same(merge(of(one), of(other)), merge(of(other), of(one)))


@given(rows, rows, rows)
def test_grouping_does_not_matter(one: list[Row], other: list[Row], third: list[Row]) -> None:
    same(merge(merge(of(one), of(other)), of(third)), merge(of(one), merge(of(other), of(third))))


def test_different_cells_cannot_be_merged() -> None:
    signature = Signature("regression", "y", (Field("n", "number"),))
    one, other = (profile(pl.DataFrame({"n": [value]}), signature) for value in (1.0, 2.0))
    with pytest.raises(DataError, match="count column `n` in different cells"):
        merge(one, other)


def test_different_columns_cannot_be_merged() -> None:
    with pytest.raises(DataError, match="Only one of the profiles has `c`, `n`, `t`"):
        merge(REFERENCE, Profile())
