"""What an engine promises: the results of a plain loop, sooner."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, Self, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


class Engine(Protocol):
    """Works on several parts at once, and gives the results in the order of a plain loop.

    An engine never decides what is computed: ``stream(work, parts)`` gives exactly what
    ``(result for part in parts for result in work(part))`` gives, in that order, on every engine. What `work` raises
    reaches the caller as the class that was raised, behind the results that came before it.

    `work`, the parts and the results travel to other processes on some engines, so they must be picklable, and `work`
    must not rely on state outside its argument.
    """

    @property
    def several(self) -> bool:
        """Whether it works on several parts at once; where not, dividing the work gains nothing."""

    def stream(self, work: Callable[[Part], Iterable[Result]], parts: Iterable[Part]) -> Generator[Result]:
        """Everything that `work` yields for each part; a bounded number of results waits to be taken.

        Closing the iterator early ends the work that nobody waits for.
        """

    def close(self) -> None:
        """Give back what the engine holds; nothing runs afterwards."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
