"""Releases: the gate's word, a change of champion, and all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, hint, line, table, verdict
from millrace.records.release import GateVerdict, Release


def gate(record: GateVerdict) -> RenderableType:
    """Draw the verdict and a line for each condition."""
    words = "The gate agrees." if record.passed else "The gate says no."
    return Group(verdict(record.passed, words), *(_answer(reason) for reason in record.reasons))


def _answer(reason: str) -> Text:
    """A condition with ✓ or ✗ before it, as the gate's own sentence answers: `<condition>: yes …` or `: no …`."""
    answer = re.search(r": (yes|no)\b", reason)
    return line("  ").append_text(verdict(answer[1] == "yes", reason) if answer else Text(f"· {reason}"))


def release(record: Release) -> RenderableType:
    """Draw one change of champion."""
    before = f" instead of {record.previous}" if record.previous is not None else ""
    verb = "is back as champion" if record.kind == "rollback" else "is champion"
    return Group(
        verdict(True, f"{record.package} {record.version} {verb}{before}."),
        Text(f"  release {record.number} · {record.at} · {record.by} · {record.reason}", style="dim"),
    )


def live(record: Release) -> RenderableType:
    """Draw what was live, who put it there, and on what evidence."""
    parts = [
        verdict(True, f"{record.package} {record.version} was live, since {record.at}."),
        Text(f"  {record.kind}d by {record.by}: {record.reason}", style="dim"),
    ]
    for name, found in record.evidence.items():
        lines = found if isinstance(found, list) else [found]
        parts += [Text(f"  {name}: {told}") for told in lines]
    return Group(*parts)


def history(records: Sequence[Release]) -> RenderableType:
    """Draw every change, the present champion in bold."""
    if not records:
        return Group(Text("Nothing was released yet."), hint("millrace run"))
    drawn = table("no", "at (UTC)", "change", "champion", "by", "reason", numbers=["no"])
    for record in records:
        at = f"{record.at[:10]} {record.at[11:16]}"
        row = [str(record.number), at, record.kind, f"{record.package} {record.version}"]
        add(drawn, *row, record.by, record.reason, style="bold" if record is records[-1] else "")
    return drawn
