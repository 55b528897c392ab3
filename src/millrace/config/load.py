"""Load a project file: every problem at once, each with file, line, column and the nearest match."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from millrace.config.problems import problems
from millrace.config.schema import ProjectSettings
from millrace.config.text import read_text
from millrace.config.tree import Tree, parse
from millrace.errors import ProjectFileError, ProjectFileErrors


def load(path: str | Path, environ: Mapping[str, str] | None = None) -> ProjectSettings:
    """What the project file at `path` says, with `${NAME}` taken from `environ` (default: the process's).

    Raises `ProjectFileErrors`, which holds every problem found. Values from the environment are never shown.
    """
    path = Path(path)
    where = _called(path)
    try:
        tree = parse(read_text(path, where), where, os.environ if environ is None else environ)
        settings = _settings(tree)
    except ProjectFileErrors:
        raise
    except ProjectFileError as error:
        raise ProjectFileErrors([error]) from error
    return settings if settings.project else settings.model_copy(update={"project": _folder_name(path)})


def _settings(tree: Tree) -> ProjectSettings:
    if not isinstance(tree.value, dict):
        what = "is empty" if tree.value is None else f"holds {'a list' if isinstance(tree.value, list) else 'a text'}"
        raise ProjectFileError(
            f"The file {what}; sections such as `sources:` and `model:` are expected.",
            where=f"{tree.where}:1:1",
            code="config.syntax",
            next_step="millrace init <your.csv> --predict <column>",
        )
    found = list(tree.problems)
    try:
        settings = ProjectSettings.model_validate(tree.value)
    except ValidationError as error:
        found += problems(error.errors(include_url=False), tree)
    if found:
        raise ProjectFileErrors(sorted(found, key=_place))
    return settings


def _place(problem: ProjectFileError) -> tuple[int, int]:
    line, column = problem.where.rsplit(":", 2)[1:]
    return int(line), int(column)


def _called(path: Path) -> str:
    """How people call the file: from where they are, if it lies below."""
    full, here = path.resolve(), Path.cwd()
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(path)


def _folder_name(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.resolve().parent.name).strip("-_")
    return name or "project"
