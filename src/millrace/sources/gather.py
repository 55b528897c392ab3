"""Many small parts of a reading as few batches: each part in its order, and the last batch says that all is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar

from millrace.records.batch import Batch

#: A batch has so many rows, unless the settings say otherwise, or what came in within so many seconds.
CHUNK = 100_000
SECONDS = 15.0

Part = TypeVar("Part", bound=Sized)


def gathered(
    parts: Iterator[Part],
    make: Callable[[list[Part]], Batch],
    position: Callable[[], dict[str, Any]],
    chunk: int | None,
) -> Iterator[Batch]:
    """Batches of the rows of `parts`, made by `make`; `position` tells where the reading stands after a part.

    Parts may be empty. A batch is held back until the next part that has rows, or the end: so the position of the last
    one is that behind all parts, and the position that a reading ends with is always committed with rows.
    """
    waiting: list[Part] = []
    size, held, began = 0, None, monotonic()
    for part in parts:
        if not len(part):
            continue
        if held is not None:
            yield held
            held, began = None, monotonic()
        waiting.append(part)
        size += len(part)
        if size >= (chunk or CHUNK) or monotonic() - began > SECONDS:
            held, waiting, size = make(waiting), [], 0
    if waiting:
        held = make(waiting)
    elif held is not None:
        held = replace(held, position=position())
    if held is not None:
        yield held
