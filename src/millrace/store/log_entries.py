"""What serving processes append to the segments of the log, one record after another."""

from __future__ import annotations

import msgspec

from millrace.records.signature import Signature

#: Ends the id of a shadow's answer; before it stands the id of the answer that was given.
SHADOWED = "-shadow"
#: The log's own columns; an input of such a name rests as ``<name> (<type>)``.
OWN = frozenset(
    {"prediction_id", "at", "package", "version", "label", "probabilities", "value", "traffic_role", "traffic_unit"}
)


class Opening(msgspec.Struct, frozen=True, tag="opening"):
    """The first record of a segment: whose predictions follow."""

    package: str
    version: int
    signature: Signature
    format: int = 1


class Predicted(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """The answer to one request of n rows: float64 and float32 matrices as little-endian bytes, texts row by row.

    `role` is that of the model while another is tried beside it, `unit` names its asker without telling who that is.
    """

    at: int
    ids: list[str]
    numbers: bytes
    texts: list[str]
    labels: list[int]
    scores: bytes
    role: str = ""
    unit: str = ""


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """What turned out true for one prediction."""

    at: int
    prediction_id: str
    outcome: str
