"""What a look at the project and its sources found, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checked:
    """The project file is right; `problems` says what its sources lack, one sentence each.

    `changes` tells columns that changed since they were written down, and that the contracts of their sources take.
    """

    project: str
    sources: tuple[str, ...]
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
