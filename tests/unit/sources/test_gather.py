import polars as pl
import pytest

from millrace.records.batch import Batch
from millrace.sources import gather
from millrace.sources.base import refused
from millrace.sources.gather import gathered


def read(parts, chunk):
    """Rows and position of each batch; the position is how many parts were taken in."""
    taken = 0

    def counted():
        nonlocal taken
        for part in parts:
            taken += 1
            yield part

    def position():
        return {"parts": taken}

    def make(several):
        rows = [row for part in several for row in part]
        return Batch(pl.DataFrame({"n": rows}), refused(), "here", 1, position())

    return [
        (batch.frame["n"].to_list(), batch.position["parts"]) for batch in gathered(counted(), make, position, chunk)
    ]


def test_small_parts_make_one_batch():
    assert read([[1], [2, 3], [4]], None) == [([1, 2, 3, 4], 3)]


def test_a_batch_ends_with_the_part_that_fills_it():
    assert read([[1], [2, 3], [4], [5, 6, 7]], 2) == [([1, 2, 3], 2), ([4, 5, 6, 7], 4)]


def test_the_last_batch_stands_behind_the_empty_parts_that_follow_it():
    assert read([[1, 2], [], [3, 4], [], []], 2) == [([1, 2], 1), ([3, 4], 5)]


@pytest.mark.parametrize("parts", [[], [[], []]])
def test_no_rows_make_no_batch(parts):
    assert read(parts, 2) == []


def test_what_came_in_long_ago_is_not_kept_waiting(monkeypatch):
    monkeypatch.setattr(gather, "SECONDS", -1.0)
    assert read([[1], [2]], None) == [([1], 1), ([2], 2)]
