"""What is different between two packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from millrace.records.metric import Metric


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of the old package and of the new; None where a package has none.

    `part` is ``signature``, ``threshold``, ``lineage``, ``size`` (bytes), ``operators`` (how many nodes of a kind) or
    ``profile`` (what the rows it learned from looked like).
    """

    part: str
    name: str
    old: str | float | int | None
    new: str | float | int | None


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric of both; `apart` says that their intervals do not overlap. Rows may differ, so it is no comparison."""

    old: Metric | None
    new: Metric | None
    apart: bool


@dataclass(frozen=True, slots=True)
class PackageDiff:
    """Everything that differs, and every metric."""

    old: str
    new: str
    metrics: Mapping[str, MetricChange]
    changes: tuple[Change, ...]
