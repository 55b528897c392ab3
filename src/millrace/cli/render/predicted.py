"""What a batch prediction did."""

from __future__ import annotations

from rich.console import Group, RenderableType

from millrace.cli.render.layout import verdict
from millrace.records.predicted import Predicted


def predicted(record: Predicted) -> RenderableType:
    """Draw how many rows were answered, by whom, and where the answers are."""
    by = f"{record.package} {record.version}"
    if record.already:
        return verdict(True, f"{record.path} has these answers by {by} already; nothing was written")
    version = "" if record.table_version is None else f", version {record.table_version}"
    done = verdict(True, f"{record.rows:,} rows answered by {by} in {record.seconds:.1f} s: {record.path}{version}")
    if record.aside is None:
        return done
    return Group(done, verdict(False, f"{record.refused:,} rows could not be read: {record.aside}"))
