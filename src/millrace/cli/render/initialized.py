"""What starting a project wrote."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType

from millrace.cli.render.layout import hint, verdict
from millrace.records.initialized import InitResult


def initialized(record: InitResult) -> RenderableType:
    """Draw where the project file is, and how to run it from here."""
    path = Path(record.path)
    here = path.resolve() == Path("millrace.yaml").resolve()
    return Group(
        verdict(
            True, f"{path.name if here else path} is written ({len(record.text.splitlines())} lines, with comments)."
        ),
        hint("millrace run" if here else f"millrace run --project {path}"),
    )
