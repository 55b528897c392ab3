"""Being told to stop: work that lasts until SIGTERM or SIGINT ends in order instead of in the middle."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set while the block lasts (in the main thread; elsewhere nothing sets it).

    A thread of its own sets it: a signal's handler runs between any two steps of the main thread, and there it would
    wait for ever for the event's lock, if the main thread was just about to wait for the event.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard, stop), name="told-to-stop", daemon=True)
    listener.start()
    handlers = {number: signal.signal(number, _nothing) for number in _SIGNALS}
    woken = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        told.close()
        listener.join()
        heard.close()


def _listen(heard: socket.socket, stop: threading.Event) -> None:
    """Set `stop` when one of the signals comes; return when the other end is closed."""
    while numbers := heard.recv(64):
        if not stop.is_set() and any(number in _SIGNALS for number in numbers):
            stop.set()


def _nothing(*_: object) -> None:
    """Take a signal, so that it ends nothing: it was written where `_listen` reads."""
