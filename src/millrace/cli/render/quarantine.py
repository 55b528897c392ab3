"""What the quarantine holds: counted by rule, or row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, count, hint, line, table, verdict
from millrace.records.quarantine import Exported, RefusedRule, Replayed


def rules(records: Sequence[RefusedRule]) -> RenderableType:
    """Draw how many rows each rule refused, most first."""
    if not records:
        return Text("Nothing was refused.")
    drawn = table("source", "rule", "rows", "for example", numbers=["rows"])
    for record in sorted(records, key=lambda record: (record.source, -record.rows)):
        add(drawn, record.source, Text(record.rule), count(record.rows), Text(record.example))
    return Group(drawn, hint(f"millrace quarantine show {records[0].source}", "See the rows"))


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


def _row(record: Mapping[str, Any]) -> RenderableType:
    """One refused row; what it said is cut at the terminal's edge (`--json` gives all of it)."""
    said = Text(f"  {record['_raw']}".replace("\n", "⏎"), style="dim", no_wrap=True, overflow="ellipsis")
    return Group(
        line(f"{record['_origin']} row {record['_row']}", "bold"),
        Text(f"  {record['_reasons']}"),
        said,
    )
