"""What is different between two packages."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, number, table
from millrace.records.metric import Metric
from millrace.records.package_diff import PackageDiff


def package_diff(record: PackageDiff) -> RenderableType:
    """Draw the metrics side by side, then everything that changed."""
    measured = table("metric", record.old, record.new, "", title="Metrics, with 95 % intervals")
    for name, one in record.metrics.items():
        add(measured, name, _spread(one.old), _spread(one.new), "apart" if one.apart else "")
    changed = table("what", "of", record.old, record.new, title="Changes")
    for change in record.changes:
        add(changed, change.part, change.name, _shown(change.old), _shown(change.new))
    return Group(measured, Text(), changed if record.changes else Text("Nothing else differs."))


def _spread(metric: Metric | None) -> str:
    return "-" if metric is None else f"{number(metric.value)} ({number(metric.low)} … {number(metric.high)})"


def _shown(value: str | float | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
