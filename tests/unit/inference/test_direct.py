"""The quick way to the matrices gives what the careful way gives, or leaves the body to it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.errors import RequestError
from millrace.inference.columns import Reader
from millrace.inference.direct import Direct
from millrace.records.signature import Field, Signature

SIGNATURE = Signature(
    "regression",
    "price",
    (
        Field("plan", "category"),
        Field("age", "number", required=True),
        Field("calls", "integer"),
        Field("born", "date"),
        Field("seen", "datetime"),
        Field("vip", "boolean"),
        Field("note", "text"),
        Field("city", "category", required=True),
    ),
)
GOOD = {
    "age": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 99),
    "city": st.text(min_size=1),
    "plan": st.none() | st.text(),
    "calls": st.none() | st.integers(-(10**6), 10**20),
    "born": st.none() | st.dates().map(str),
    "seen": st.none() | st.datetimes().map(str),
    "vip": st.none() | st.booleans(),
    "note": st.none() | st.text(),
}
ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([])
ROW = st.fixed_dictionaries(
    {name: GOOD[name] for name in ("age", "city")},
    optional={name: kind for name, kind in GOOD.items() if name not in ("age", "city")},
)
ODD = st.dictionaries(st.sampled_from([*GOOD, "other"]), ANY)
reader, direct = Reader(SIGNATURE), Direct(SIGNATURE)


def same(found: tuple[np.ndarray, np.ndarray], rows: list[dict[str, Any]]) -> bool:
    numbers, texts = reader.from_rows(rows)
    return np.array_equal(found[0], numbers, equal_nan=True) and found[1].tolist() == texts.tolist()


@given(rows=st.lists(ROW, max_size=4))
def test_usual_rows_are_taken_at_once_and_are_the_careful_readers(rows: list[dict[str, Any]]) -> None:
    found = direct.read(json.dumps(rows).encode())
    assert found is not None
    assert same(found, rows)
    wrapped = direct.read(json.dumps({"rows": rows}).encode())
    assert wrapped is not None
    assert same(wrapped, rows)


@settings(max_examples=300)
@given(row=ODD | ROW)
def test_what_is_taken_is_never_otherwise_than_the_careful_reader_says(row: dict[str, Any]) -> None:
    try:
        body = json.dumps(row, allow_nan=False).encode()
    except ValueError:
        return
    found = direct.read(body)
    if found is not None:
        assert row.keys() <= GOOD.keys()
        assert same(found, [row])


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"age": 1, "city": ""}', b'{"city": "x"}', b'{"age": 1, "city": "x", "other": 1}'),
        *(b'{"age": true, "city": "x"}', b'{"age": 1, "city": "x", "born": "soon"}'),
        *(b'{"age": 1, "city": "x", "calls": 3.5}', b"[1]", b"", b"[", b'"a"'),
    ],
)
def test_the_unusual_is_left_to_the_careful_reader(body: bytes) -> None:
    assert direct.read(body) is None


def test_a_body_that_is_left_is_answered_or_refused_as_ever() -> None:
    with pytest.raises(RequestError, match="It is missing"):
        reader.from_rows([{"city": "x"}])
