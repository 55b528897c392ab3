"""Who ran what, when, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Written into every entry of the audit log; readers accept every older one.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log: a verb that begins, or the end of the one that began at entry `began`.

    `number` counts from 1 without gaps; `previous` is the SHA-256 (hex) of the entry before as it rests, empty for the
    first; `at` is ISO 8601 in UTC; `outcome` is empty while it is not known, else ``done``, ``failed: <code>`` or
    ``interrupted``; `ids` are those of what came of it, such as run, package and release.
    """

    number: int
    kind: Literal["begin", "end"]
    verb: str
    actor: str
    at: str
    previous: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    outcome: str = ""
    ids: Mapping[str, object] = field(default_factory=dict)
    began: int | None = None
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Action:
    """A verb with its end, as people ask for it; `outcome` is ``no end`` when the process never said how it ended."""

    number: int
    verb: str
    actor: str
    at: str
    arguments: Mapping[str, object]
    outcome: str
    ids: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the log is whole: `entries` of them, the newest with hash `head`; `problem` says what is wrong."""

    intact: bool
    entries: int
    head: str
    problem: str = ""
