"""A run: from rows to a release, stage by stage."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.evaluation import evaluation
from millrace.cli.render.ingested import ingested
from millrace.cli.render.layout import hint, line, verdict
from millrace.cli.render.release import gate, release
from millrace.records.run import Run


def run(record: Run) -> RenderableType:
    """Draw what the run did, and what comes next."""
    parts: list[RenderableType] = [ingested(tuple(record.ingest.values())), Text()]
    parts += [evaluation(record.evaluation), Text()]
    parts.append(verdict(True, f"Package {record.package.name} {record.package.version}: {record.package.path}"))
    parts.append(gate(record.gate))
    if record.release is not None:
        parts.append(release(record.release))
    took = " · ".join(f"{stage} {seconds:.1f} s" for stage, seconds in record.seconds.items())
    parts += [line(f"Report: {record.report}"), Text(f"run {record.run} · {took}", style="dim")]
    parts.append(hint("millrace serve" if record.release is not None else _after_no(record)))
    return Group(*parts)


def _after_no(record: Run) -> str:
    """What to do with a package that is not champion."""
    if record.gate.passed:
        return f"millrace release promote {record.package.version}"
    return f"millrace report --version {record.package.version} --open"
