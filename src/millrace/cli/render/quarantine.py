"""What the quarantine holds: counted by rule, or row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, count, hint, line, table, verdict
from millrace.records.quarantine import Exported, RefusedGroup, RefusedRule, Replayed


def rules(records: Sequence[RefusedRule]) -> RenderableType:
    """Draw how many rows each rule refused, most first."""
    if not records:
        return Text("Nothing was refused.")
    drawn = table("source", "rule", "rows", "for example", numbers=["rows"])
    for record in sorted(records, key=lambda record: (record.source, -record.rows)):
        add(drawn, record.source, Text(record.rule), count(record.rows), Text(record.example))
    return Group(drawn, hint(f"millrace quarantine show {records[0].source}", "See the rows"))


def groups(records: Sequence[RefusedGroup]) -> RenderableType:
    """Draw how many of the rows read were refused in each group, with a bar for the share."""
    if not any(record.rows for record in records):
        return Text("Nothing was refused.")
    by = records[0].by
    columns = ["source", *([by] if by != "source" else []), "refused", "of read", "share", ""]
    drawn = table(*columns, numbers=["refused", "of read", "share"])
    most = max(record.share for record in records)
    for record in records:
        name = [Text(record.name)] if by != "source" else []
        share = Text(f"{record.share:.2%}", style="" if record.rows else "dim")
        bar = Text(_bar(record.share / most), style="yellow")
        add(drawn, record.source, *name, count(record.rows), count(record.read), share, bar)
    worst = max(records, key=lambda record: record.share)
    return Group(drawn, hint(f"millrace quarantine show {worst.source}", "See the rows"))


def _bar(part: float, width: int = 10) -> str:
    """A bar as long as `part` of 1, in eighths of a letter; never nothing where there is something."""
    eighths = max(round(part * width * 8), 1 if part else 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def rows(records: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Draw refused rows: where each came from, why it was refused, and what it said."""
    if not records:
        return Text("Nothing was refused.")
    return Group(*(_row(record) for record in records))


def replayed(record: Replayed) -> RenderableType:
    """Draw how many rows left the quarantine, and how many stay."""
    words = f"{record.source}: {record.left:,} rows pass now: {record.kept:,} kept, {record.duplicate:,} duplicate."
    stay = f"  {record.remaining:,} stay in quarantine; the table is at version {record.table_version}."
    drawn = [verdict(True, words), line(stay)]
    return Group(*drawn, *([hint(f"millrace quarantine show {record.source}", "See them")] if record.remaining else []))


def exported(record: Exported) -> RenderableType:
    """Draw where the rows are."""
    return Group(verdict(True, f"{record.source}: {record.rows:,} refused rows written."), line(f"  {record.path}"))


def revealed(record: Exported) -> RenderableType:
    """Draw where the rows are that can be read again."""
    words = f"{record.source}: {record.rows:,} rows written with their encrypted values in plain; keep the file safe."
    return Group(verdict(True, words), line(f"  {record.path}"))


def _row(record: Mapping[str, Any]) -> RenderableType:
    """One refused row; what it said is cut at the terminal's edge (`--json` gives all of it)."""
    said = Text(f"  {record['_raw']}".replace("\n", "⏎"), style="dim", no_wrap=True, overflow="ellipsis")
    return Group(
        line(f"{record['_origin']} row {record['_row']}", "bold"),
        Text(f"  {record['_reasons']}"),
        said,
    )
