"""What a batch prediction did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Predicted:
    """`rows` answers, written to `path` by `version` of `package` in `seconds`.

    `refused` rows could not be read; they are in the file `aside`, with reasons. Where `path` is a Delta table,
    `table_version` is its version that has the answers; `already` says that it had these very ones before, and that
    nothing was answered or written now.
    """

    rows: int
    path: str
    package: str
    version: int
    seconds: float
    refused: int = 0
    aside: str | None = None
    table_version: int | None = None
    already: bool = False
