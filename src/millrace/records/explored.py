"""What exploring found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explored:
    """Where the report is, how many rows and columns it is about, and what it warns of, one sentence each."""

    report: str
    rows: int
    columns: int
    warnings: tuple[str, ...] = ()
