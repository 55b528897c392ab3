"""What a batch prediction did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Predicted:
    """`rows` answers, written to `path` by version `version` of `package` within `seconds`."""

    rows: int
    path: str
    package: str
    version: int
    seconds: float
