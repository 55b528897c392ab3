"""In this process: threads, because the libraries that do the work leave Python while they do it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from queue import Queue
from typing import Generic, Self, cast

from millrace.engine.base import Part, Result


class Here:
    """An engine of threads; at most `ahead` results of each part, the one being made included, wait to be taken.

    Examples
    --------
    >>> with Here(width=2) as engine:
    ...     list(engine.stream(lambda word: iter(word), ["ab", "cd"]))
    ['a', 'b', 'c', 'd']
    """

    def __init__(self, width: int = 1, ahead: int = 1) -> None:
        self.width = width
        self.several = width > 1
        self._ahead = ahead

    def stream(self, work: Callable[[Part], Iterable[Result]], parts: Iterable[Part]) -> Generator[Result]:
        """Everything that `work` yields for each part, in the order of a plain loop."""
        if self.width == 1:
            # One thread goes from part to part, so that it is ahead at the seams as well.
            return self._abreast(lambda every: (result for part in every for result in work(part)), [parts])
        return self._abreast(work, parts)

    def _abreast(self, work: Callable[[Part], Iterable[Result]], parts: Iterable[Part]) -> Generator[Result]:
        waiting = iter(parts)
        under_way = deque(_Running(work, part, self._ahead) for part in islice(waiting, self.width))
        try:
            while under_way:
                yield from under_way[0].results()
                under_way.popleft()
                under_way.extend(_Running(work, part, self._ahead) for part in islice(waiting, 1))
        finally:
            for one in under_way:
                one.stop()

    def close(self) -> None:
        """Nothing is held between streams."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Running(Generic[Part, Result]):
    """A thread that works on one part; at most `ahead` results, the one being made included, wait to be taken."""

    _END = object()

    def __init__(self, work: Callable[[Part], Iterable[Result]], part: Part, ahead: int) -> None:
        self._work = work
        self._part = part
        self._queue: Queue[object] = Queue()
        self._room = threading.Semaphore(ahead)
        self._unwanted = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def results(self) -> Iterator[Result]:
        """What the work yields, and what it raises."""
        while (result := self._queue.get()) is not self._END:
            self._room.release()
            yield cast("Result", result)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Let the work end after the result that it is at."""
        self._unwanted.set()
        self._room.release()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._room.acquire()
            for result in self._work(self._part):
                self._queue.put(result)
                self._room.acquire()
                if self._unwanted.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where the results are taken
            self._error = error
        finally:
            self._queue.put(self._END)
