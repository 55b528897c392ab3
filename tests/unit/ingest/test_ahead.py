import threading

import pytest

from millrace.ingest.ahead import read_ahead


def test_batches_come_in_their_order_and_all_of_them():
    assert list(read_ahead(iter("abc"))) == ["a", "b", "c"]
    assert list(read_ahead(iter(()))) == []


def test_the_next_batch_is_read_while_this_one_is_in_hand():
    second_was_read = threading.Event()

    def batches():
        yield "first"
        second_was_read.set()
        yield "second"

    ahead = read_ahead(batches())
    assert next(ahead) == "first"
    assert second_was_read.wait(timeout=10)
    assert list(ahead) == ["second"]


def test_an_error_of_the_source_reaches_the_reader_after_what_came_before_it():
    def batches():
        yield "first"
        raise ValueError("the server is gone")

    ahead = read_ahead(batches())
    assert next(ahead) == "first"
    with pytest.raises(ValueError, match="the server is gone"):
        next(ahead)
