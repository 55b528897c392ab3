"""Long work on the terminal: bars where there is one, plain lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import typer

from millrace.records.progress import Step, Watch, unwatched

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Seconds between two plain lines about the same stage: enough for a CI log to show life.
_PAUSE = 10.0


@contextmanager
def watching(as_json: bool) -> Iterator[Watch]:
    """Give a watch that shows steps on standard error while the block runs; quiet when a program reads along."""
    if not sys.stderr.isatty():
        yield unwatched if as_json else _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("[bold]{task.fields[stage]:<10}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.description}", markup=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bars(progress)


class _Lines:
    """One line when a stage begins, and another one now and then while it lasts."""

    def __init__(self) -> None:
        self.stage = ""
        self.last = 0.0

    def __call__(self, step: Step) -> None:
        if step.stage == self.stage and monotonic() - self.last < _PAUSE:
            return
        self.stage, self.last = step.stage, monotonic()
        share = f" {step.done / step.total:.0%}" if step.total and step.done else ""
        typer.echo(f"{step.stage}{share}{': ' if step.text else ''}{step.text}", err=True)


class _Bars:
    """One bar for each stage; a stage is done when the next one begins."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stage = ""
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        if step.stage != self.stage:
            self.finish()
        if step.stage not in self.tasks:
            self.tasks[step.stage] = self.progress.add_task("", total=None, stage=step.stage)
        self.stage = step.stage
        text = step.text.replace("[", r"\[")
        self.progress.update(self.tasks[step.stage], description=text, completed=step.done, total=step.total)

    def finish(self) -> None:
        """Fill the bar of the stage that ends."""
        if self.stage:
            self.progress.update(self.tasks[self.stage], total=1.0, completed=1.0)
