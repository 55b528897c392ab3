"""Every engine gives what a plain loop gives."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import polars as pl
import pytest

from millrace.engine import Engine, open_engine
from millrace.engine.here import Here
from millrace.errors import SourceError


def count(upto: int) -> Iterator[int]:
    yield from range(upto)


def frames(rows: int) -> Iterator[pl.DataFrame]:
    yield pl.DataFrame({"row": range(rows)})


def fail_at_the_end(upto: int) -> Iterator[int]:
    yield from range(upto)
    raise SourceError("The file breaks off.", where=f"part {upto}", code="source.broken", allowed=["whole files"])


def process(_: int) -> Iterator[int]:
    yield os.getpid()


def test_results_come_in_the_order_of_a_plain_loop(engine: Engine) -> None:
    assert list(engine.stream(count, [3, 0, 1, 2])) == [0, 1, 2, 0, 0, 1]


def test_no_parts_give_no_results(engine: Engine) -> None:
    assert list(engine.stream(count, [])) == []


def test_frames_travel_unchanged(engine: Engine) -> None:
    (frame,) = engine.stream(frames, [3])
    assert frame.equals(pl.DataFrame({"row": [0, 1, 2]}))


def test_an_error_arrives_as_itself_behind_the_results_before_it(engine: Engine) -> None:
    stream = engine.stream(fail_at_the_end, [2, 1])
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(SourceError, match=r"part 2  source\.broken\n  The file breaks off") as caught:
        next(stream)
    assert (type(caught.value), caught.value.allowed) == (SourceError, ("whole files",))


def test_a_stream_may_be_left_early(engine: Engine) -> None:
    stream = engine.stream(count, [1_000_000, 1_000_000])
    assert next(stream) == 0
    stream.close()
    assert list(engine.stream(count, [2])) == [0, 1]


def test_ray_works_in_other_processes(ray_here: Engine) -> None:
    assert os.getpid() not in set(ray_here.stream(process, [0, 1]))


OUTLIVING = """
import sys, threading, time
from millrace.engine.on_ray import OnRay

def count(upto):
    yield from range(upto)

with OnRay("local", cpus=1) as engine:
    first = threading.Thread(target=lambda: list(engine.stream(count, [1])))
    first.start()
    first.join()
    time.sleep(0.5)  # by then the kernel has ended what goes with a thread
    print(list(engine.stream(count, [3])))
"""


def test_ray_outlives_the_thread_that_used_it_first() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    done = subprocess.run([sys.executable, "-c", OUTLIVING], capture_output=True, text=True, timeout=55, check=False)
    assert done.stdout == "[0, 1, 2]\n", done.stderr


def test_threads_work_ahead_by_what_was_agreed_and_no_more() -> None:
    made: list[int] = []
    reached = threading.Event()

    def note(upto: int) -> Iterator[int]:
        for number in range(upto):
            made.append(number)
            if number == 2:
                reached.set()
            yield number

    stream = Here(ahead=2).stream(note, [10])
    assert next(stream) == 0
    assert reached.wait(10)
    stream.close()
    assert made == [0, 1, 2]


def test_two_parts_are_worked_on_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(part: int) -> Iterator[int]:
        meeting.wait()
        yield part

    assert list(Here(width=2).stream(meet, [1, 2])) == [1, 2]


def test_the_local_engine_is_this_process() -> None:
    with open_engine("local") as engine:
        assert list(engine.stream(process, [0])) == [os.getpid()]
