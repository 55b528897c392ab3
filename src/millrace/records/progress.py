"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One sign of life: a stage, what it is doing, and how far it is.

    `done` and `total` are in the unit of the stage (rows, seconds, trials); `total` is None when unknown.
    """

    stage: str
    text: str = ""
    done: float = 0.0
    total: float | None = None


Watch = Callable[[Step], None]


def unwatched(step: Step) -> None:
    """Let a step pass; the default where nobody listens."""
