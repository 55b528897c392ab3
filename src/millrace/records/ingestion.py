"""What ingestion counts, and the law the counts obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.errors import ConservationError


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the rows of a commit went; `erased` are left out, since they are of persons who were erased.

    `replaced` rows of earlier commits left the table for those kept, as newer ones of their key.
    """

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    duplicate: int = 0
    late: int = 0
    erased: int = 0
    replaced: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.read + other.read,
            self.kept + other.kept,
            self.quarantined + other.quarantined,
            self.duplicate + other.duplicate,
            self.late + other.late,
            self.erased + other.erased,
            self.replaced + other.replaced,
        )

    def check(self, where: str) -> None:
        """Raise `ConservationError` unless every row read is in exactly one place."""
        placed = self.kept + self.quarantined + self.duplicate + self.late + self.erased
        if self.read != placed:
            raise ConservationError(
                f"{self.read} rows were read but {placed} were placed: {self.kept} kept, "
                f"{self.quarantined} quarantined, {self.duplicate} duplicate, {self.late} late, "
                f"{self.erased} erased. "
                "Nothing of this batch was committed.",
                where=where,
            )


@dataclass(frozen=True, slots=True)
class Expectation:
    """Whether a load is as expected in one respect, by its `name` in the project file; `text` says what was found."""

    name: str
    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one ingest of one source did; `reasons` counts quarantined rows by rule.

    `erased` rows are of persons who were erased before, and were left out; `expired` counts, by table, rows removed at
    the end because the time that `retain` gives them was over. `changes` tells columns that changed; `expectations`
    judge the newest load, which is that of this ingest where it read anything. `deleted` rows left the table because
    the source has them no more, `replaced` ones for newer ones of their key.
    """

    source: str
    read: int
    kept: int
    quarantined: int
    duplicate: int
    late: int
    table_version: int
    files: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    erased: int = 0
    expired: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    deleted: int = 0
    replaced: int = 0
