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


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay moved: `left` rows passed the rules as they are now, `kept` of them went into the table.

    `duplicate` of them were there already; `remaining` rows are still in the quarantine.
    """

    source: str
    left: int
    kept: int
    duplicate: int
    remaining: int
    table_version: int


@dataclass(frozen=True, slots=True)
class Exported:
    """How many refused rows were written where."""

    source: str
    rows: int
    path: str
