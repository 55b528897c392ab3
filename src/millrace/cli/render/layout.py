"""The few shapes that all drawings share: a plain table, a number, a hint."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text


def table(*columns: str, numbers: Iterable[str] = (), title: str = "") -> Table:
    """A table without a frame; the columns in `numbers` stand to the right."""
    made = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    right = set(numbers)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def add(to: Table, *cells: str | Text, style: str = "") -> None:
    """Add a row; texts are shown as they are, whatever brackets they hold."""
    to.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), style=style)


def line(text: str, style: str = "") -> Text:
    """A line that is never broken, so that a path in it can be copied."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def number(value: float | None) -> str:
    """A measured number with as many digits as matter; a dash where there is none.

    Examples
    --------
    >>> number(0.84712), number(48213.7), number(0.00001234), number(float("nan")), number(72.0)
    ('0.847', '48,214', '1.23e-05', '-', '72')
    """
    if value is None or math.isnan(value):
        return "-"
    size = abs(value)
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    if size >= 1000 or (size >= 1 and value == int(value)):
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.01 else f"{value:.3g}"


def count(rows: int) -> Text:
    """A count; zeros step back."""
    return Text(f"{rows:,}", style="" if rows else "dim")


def verdict(good: bool, words: str) -> Text:
    """A sentence with ✓ or ✗ before it."""
    return line("").append(*(("✓ ", "bold green") if good else ("✗ ", "bold red"))).append(words)


def hint(command: str, words: str = "Next") -> Text:
    """The command that most likely comes next."""
    return line("").append(f"{words}: ", "dim").append(command, "cyan")
