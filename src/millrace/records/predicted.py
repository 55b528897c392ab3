"""What a batch prediction did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Predicted:
    """`rows` answers, written to `path` by `version` of `package` in `seconds`; `refused` rows could not be read."""

    rows: int
    path: str
    package: str
    version: int
    seconds: float
    refused: int = 0
