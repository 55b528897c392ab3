"""The options that verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from millrace.project import Project  # type: ignore[attr-defined, unused-ignore]

DEFAULT = Path("millrace.yaml")
ProjectFile = Annotated[Path, typer.Option("--project", "-p", metavar="PATH", help="The project file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else, to standard output.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="A package's version; default: the champion.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the release log.")]


def opened(path: Path) -> Project:
    """Load the project that a verb works on."""
    from millrace.project import Project  # type: ignore[attr-defined, unused-ignore]

    return Project.load(path)
