import json
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.sources.databases.delivered import Delivered, Segment, known

hashes = st.lists(st.integers(0, 2**64 - 1), max_size=9)
parts = st.lists(st.tuples(hashes, st.integers(0, 50)), max_size=9)


def of(found):
    delivered = Delivered()
    for numbers, newest in found:
        delivered = delivered.along(np.array(numbers, dtype=np.uint64), newest)
    return delivered


@given(parts)
def test_every_row_is_remembered_through_json(found):
    told = json.loads(json.dumps(of(found).told()))
    assert set(Delivered.of(told, None).hashes.tolist()) == {number for numbers, _ in found for number in numbers}


@given(parts, st.integers(0, 50))
def test_no_row_is_forgotten_that_may_be_looked_at_again(found, least):
    kept = set(of(found).since(least).hashes.tolist())
    assert {number for numbers, newest in found for number in numbers if newest >= least} <= kept


@given(hashes, hashes)
def test_known_are_those_that_were_delivered(one, other):
    delivered = of([(other, 1)]).hashes
    assert known(np.array(one, dtype=np.uint64), delivered).tolist() == [number in other for number in one]


def test_many_rows_that_come_one_by_one_are_few_segments():
    delivered = of([([number], number) for number in range(1000)])
    assert len(delivered.segments) <= 11
    assert len(delivered.hashes) == 1000


@pytest.mark.parametrize(
    ("newest", "least", "older"),
    [
        (9, 10, True),
        (10, 10, False),
        ("9", "10", True),
        ("2026-01-01 10:00:00", "2026-01-01 10:00:01", True),
        # Earlier as a time, later in the order of texts by which the database finds it.
        ("2026-01-01T09:00:00", "2026-01-01 10:00:00", False),
        ("2026-01-01T09:00:00Z", "2026-01-01T10:00:00", False),
        (datetime(2026, 1, 1), datetime(2026, 1, 2), True),
        (None, 10, False),
        (None, None, False),
    ],
)
def test_a_segment_is_older_only_where_the_database_would_say_so(newest, least, older):
    assert Segment("", newest).older_than(least) is older


def test_positions_of_earlier_versions_hold_one_text():
    told = of([([3, 5], 7)]).told()[0]["hashes"]
    assert Delivered.of(told, 7).hashes.tolist() == [3, 5]
    assert Delivered.of("", None) == Delivered()
