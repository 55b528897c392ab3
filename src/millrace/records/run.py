"""One pass through the lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from millrace.records.dataset import Dataset
from millrace.records.evaluation import Evaluation
from millrace.records.ingestion import Ingested
from millrace.records.package import PackageInfo
from millrace.records.release import GateVerdict, Release
from millrace.records.window import RowsUsed

#: What a run that passed the gate may wait for: the entry in the release log that follows, a person, or its stages.
Waits = Literal["", "release", "approval", "stages"]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did, stage by stage; `release` is None when the gate said no.

    `dataset` is what the model learned from; None only in records of runs that were made before it was kept. `reason`
    is why it was started, `notes` is what training had to say of the data. `used` says which rows of the dataset a
    retraining took, where `retrain.rows` asks for some.
    """

    run: str
    ingest: Mapping[str, Ingested]
    evaluation: Evaluation
    package: PackageInfo
    gate: GateVerdict
    release: Release | None
    report: str
    seconds: Mapping[str, float]
    dataset: Dataset | None = None
    waits: Waits = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    used: RowsUsed | None = None
