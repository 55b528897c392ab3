"""What a batch prediction did."""

from __future__ import annotations

from rich.console import RenderableType

from millrace.cli.render.layout import verdict
from millrace.records.predicted import Predicted


def predicted(record: Predicted) -> RenderableType:
    """Draw how many rows were answered, by whom, and where the answers are."""
    by = f"{record.package} {record.version}"
    return verdict(True, f"{record.rows:,} rows answered by {by} in {record.seconds:.1f} s: {record.path}")
