"""What serving processes append to the segments of the log, one record after another."""

from __future__ import annotations

import msgspec

from millrace.records.signature import Signature


class Opening(msgspec.Struct, frozen=True, tag="opening"):
    """The first record of a segment: whose predictions follow."""

    package: str
    version: int
    signature: Signature
    format: int = 1


class Predicted(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """The answer to one request of n rows: float64 and float32 matrices as little-endian bytes, texts row by row."""

    at: int
    ids: list[str]
    numbers: bytes
    texts: list[str]
    labels: list[int]
    scores: bytes


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """What turned out true for one prediction."""

    at: int
    prediction_id: str
    outcome: str
