"""What the quarantine holds, counted by rule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusedRule:
    """How many rows of `source` a rule refused, and one of them as an example."""

    source: str
    rule: str
    rows: int
    example: str
