"""What exploring found, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import hint, line
from millrace.records.explored import Explored

_MOST = 12


def explored(record: Explored) -> RenderableType:
    """Draw the warnings and where the report is."""
    said = [Text(f"! {sentence}", style="yellow") for sentence in record.warnings[:_MOST]]
    if len(record.warnings) > _MOST:
        said.append(Text(f"  and {len(record.warnings) - _MOST} more in the report", style="dim"))
    about = line(f"{record.rows:,} rows, {record.columns} columns")
    return Group(about, *said, line(f"Report: {record.report}"), hint("millrace run"))
