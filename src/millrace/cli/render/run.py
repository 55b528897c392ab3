"""A run: from rows to a release, stage by stage."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.evaluation import evaluation
from millrace.cli.render.ingested import ingested
from millrace.cli.render.layout import hint, line, verdict
from millrace.cli.render.release import gate, release
from millrace.records.dataset import Dataset
from millrace.records.run import Run


def run(record: Run) -> RenderableType:
    """Draw what the run did, and what comes next."""
    parts: list[RenderableType] = [ingested(tuple(record.ingest.values())), Text()]
    if record.dataset is not None and record.dataset.sql:
        parts += [line(_dataset(record.dataset)), Text()]
    parts += [evaluation(record.evaluation), Text()]
    parts += [Text(note) for note in record.notes if note.startswith("Warning")]
    if record.used is not None:
        parts.append(Text(record.used.said))
    parts.append(verdict(True, f"Package {record.package.name} {record.package.version}: {record.package.path}"))
    parts.append(gate(record.gate))
    if record.release is not None:
        parts.append(release(record.release))
    took = " · ".join(f"{stage} {seconds:.1f} s" for stage, seconds in record.seconds.items())
    parts += [line(f"Report: {record.report}"), Text(f"run {record.run} · {took}", style="dim")]
    parts.append(hint("millrace serve" if record.release is not None else _after_no(record)))
    return Group(*parts)


def _dataset(record: Dataset) -> str:
    """Which version of the dataset was learned from, and what it was made of."""
    made = ", ".join(f"{name} version {version}" for name, version in record.tables.items())
    return f"Dataset {record.name} version {record.version}: {record.rows:,} rows from {made}"


def _after_no(record: Run) -> str:
    """What to do with a package that is not champion."""
    if record.gate.passed:
        return f"millrace release promote {record.package.version}"
    return f"millrace report --version {record.package.version} --open"
