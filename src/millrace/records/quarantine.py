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
class RefusedGroup:
    """How many of the `read` rows of one group of `source` are in quarantine.

    `by` says what the groups are: days (``2026-11-24``), loads (a run's id), origins (a file), or the whole source,
    whose name is empty.
    """

    source: str
    by: str
    name: str
    rows: int
    read: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.rows / self.read if self.read else 0.0


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
