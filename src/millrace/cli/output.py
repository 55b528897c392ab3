"""How a record reaches its reader: as JSON on standard output, or drawn for people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from millrace.errors import MillraceError, ProjectFileErrors

if TYPE_CHECKING:
    from rich.console import RenderableType

Record = TypeVar("Record")


def show(record: Record, as_json: bool, render: Callable[[Record], RenderableType]) -> None:
    """Print a record: as JSON, or as `render` draws it."""
    if as_json:
        typer.echo(to_json(record))
        return
    from rich.console import Console

    Console().print(render(record), crop=False)


def to_json(record: object, indent: int | None = 2) -> str:
    """A record as indented JSON; numbers that JSON does not know (NaN, ∞) become null.

    Examples
    --------
    >>> print(to_json({"a": float("nan"), "b": (1, 2.5)}))
    {
      "a": null,
      "b": [
        1,
        2.5
      ]
    }
    """
    import msgspec

    return json.dumps(_finite(msgspec.to_builtins(record, str_keys=True)), indent=indent, ensure_ascii=False)


def show_error(error: MillraceError, as_json: bool, hide: Callable[[str], str] = str) -> None:
    """Say what went wrong: for people on standard error, with `--json` also on standard output.

    `hide` takes out of a text what must not be shown.
    """
    if as_json:
        content = _described(error, hide)
        if isinstance(error, ProjectFileErrors):
            content["problems"] = [_described(problem, hide) for problem in error.problems]
        typer.echo(json.dumps({"error": content}, indent=2, ensure_ascii=False))
    from rich.console import Console
    from rich.text import Text

    text = Text(hide(str(error)))
    text.highlight_regex(r"(?m)^\S.*$", "bold red")
    text.highlight_regex(r"`[^`\n]*`", "bold")
    text.highlight_regex(r"(?m)^  Next: .*$", "cyan")
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


def _described(error: MillraceError, hide: Callable[[str], str]) -> dict[str, Any]:
    return {
        "code": error.code,
        "where": hide(error.where),
        "seen": hide(error.seen),
        "allowed": [hide(one) for one in error.allowed],
        "nearest": hide(error.nearest) if error.nearest else error.nearest,
        "next": hide(error.next_step),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
