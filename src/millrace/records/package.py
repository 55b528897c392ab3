"""What a package says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.records.calibration import Calibration
from millrace.records.conformal import Conformal
from millrace.records.evaluation import Evaluation
from millrace.records.signature import Signature

#: Written into every manifest; readers accept every older one.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The identity card of a package: written last, checked first.

    `files` maps each other file of the package to its SHA-256; `lineage` says which table versions, project file and
    library versions it came from; `parity` is the largest difference seen between graph and trained model.
    `calibration` and `conformal` say what the graph does to probabilities, and how it finds sets and intervals.
    """

    name: str
    version: int
    run: str
    created: str
    signature: Signature
    evaluation: Evaluation
    files: Mapping[str, str]
    threshold: float | None = None
    parity: float = 0.0
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    lineage: Mapping[str, object] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """Where a package rests."""

    name: str
    version: int
    path: str
