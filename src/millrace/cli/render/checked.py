"""What a check found."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import hint, verdict
from millrace.records.checked import Checked


def checked(record: Checked) -> RenderableType:
    """Draw that all is right, or what is not."""
    if record.problems:
        return Group(*(verdict(False, problem) for problem in record.problems))
    sources = ", ".join(record.sources)
    return Group(
        *(Text.assemble(("! ", "yellow"), change) for change in record.changes),
        verdict(True, f"{record.project}: the project file and its sources are right ({sources})."),
        hint("millrace run"),
    )
