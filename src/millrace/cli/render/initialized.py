"""What starting a project wrote."""

from __future__ import annotations

from rich.console import Group, RenderableType

from millrace.cli.render.layout import hint, verdict
from millrace.records.initialized import InitResult


def initialized(record: InitResult) -> RenderableType:
    """Draw where the project file is."""
    return Group(
        verdict(True, f"{record.path} is written ({len(record.text.splitlines())} lines, with comments)."),
        hint(f"millrace run{'' if record.path == 'millrace.yaml' else f' --project {record.path}'}"),
    )
