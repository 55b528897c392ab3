"""Who answers, since when, and on what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Written into every entry of the release log; readers accept every older one.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether a package may be released, with a sentence for each condition."""

    passed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One entry of the release log: from `at` on, package `version` is champion.

    `number` counts from 1 without gaps; `previous` is the version that was champion before, None for the first;
    `at` is ISO 8601 in UTC.
    """

    number: int
    kind: Literal["promote", "rollback"]
    package: str
    version: int
    previous: int | None
    at: str
    by: str
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    format: int = FORMAT
