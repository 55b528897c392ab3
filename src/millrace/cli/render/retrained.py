"""What acting on a decision did."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.decision import evidence
from millrace.cli.render.release import release
from millrace.cli.render.run import run
from millrace.records.retrained import Retrained


def retrained(record: Retrained) -> RenderableType:
    """Draw the decision, then the run or the rollback that followed."""
    parts: list[RenderableType] = [evidence(record.decision), Text()]
    if record.run is not None:
        parts.append(run(record.run))
    elif record.release is not None:
        parts.append(release(record.release))
    else:
        parts.append(Text("Nothing was trained: the champion stays. Train all the same with --force."))
    return Group(*parts)
