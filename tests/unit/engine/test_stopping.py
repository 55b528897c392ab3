"""Work that is told to stop ends, whatever it was about to do when it was told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from millrace.engine.stopping import told_to_stop

TOLD_WHILE_IT_BEGINS_TO_WAIT = """\
import os, signal
from millrace.engine.stopping import told_to_stop

with told_to_stop() as stop:
    with stop._cond:
        os.kill(os.getpid(), signal.SIGTERM)
    print(stop.wait(30))
"""


def test_told_while_it_holds_the_lock_of_the_event_it_stops_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOLD_WHILE_IT_BEGINS_TO_WAIT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_signal_sets_the_event_once_and_afterwards_is_what_it_was(number: int) -> None:
    before = signal.getsignal(number)
    for _ in range(2):
        with told_to_stop() as stop:
            assert not stop.is_set()
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            assert stop.wait(30)
        assert signal.getsignal(number) is before
    assert not any(thread.name == "told-to-stop" for thread in threading.enumerate())


def test_another_signal_does_not_stop_it() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with told_to_stop() as stop:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not stop.wait(0.2)
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.wait(30)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_beside_the_main_thread_nothing_is_taken_over() -> None:
    before = signal.getsignal(signal.SIGTERM)
    kept = []

    def work() -> None:
        with told_to_stop() as stop:
            kept.append((stop.is_set(), signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert kept == [(False, before)]
