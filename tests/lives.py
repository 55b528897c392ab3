"""A process that dies before or after a write of the store, acted out inside the process of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from millrace.store.objects import Store

#: More signs of life than anything gives.
NEVER = 1_000_000


class Killed(BaseException):
    """The process is dead; whatever it still does leaves no trace."""


class Life:
    """Counts the writes of a process, before and after each, and ends at the nth sign."""

    def __init__(self, most: int) -> None:
        self.signs, self.most = 0, most

    def sign(self) -> None:
        self.signs += 1
        if self.signs >= self.most:
            raise Killed


@contextmanager
def living(most: int) -> Iterator[Life]:
    """A process that dies before the end of the block, unless it gives fewer than `most` signs."""
    life = Life(most)

    def around(method: Callable[..., object]) -> Callable[..., object]:
        def counted(self: Store, key: str, content: bytes) -> object:
            life.sign()
            done = method(self, key, content)
            life.sign()
            return done

        return counted

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(Store, "create", around(Store.create))
        patch.setattr(Store, "write", around(Store.write))
        yield life
