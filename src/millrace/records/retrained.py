"""What acting on a decision of monitoring did."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.records.monitoring import Decision
from millrace.records.release import Release
from millrace.records.run import Run


@dataclass(frozen=True, slots=True)
class Retrained:
    """The decision, the run it led to, and the change of champion that followed.

    `run` is None when nothing was trained; `release` is None when the champion stayed.
    """

    decision: Decision
    run: Run | None = None
    release: Release | None = None
