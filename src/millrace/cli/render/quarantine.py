"""What the quarantine holds: counted by rule, or row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, count, hint, table
from millrace.records.quarantine import RefusedRule


def rules(records: Sequence[RefusedRule]) -> RenderableType:
    """Draw how many rows each rule refused, most first."""
    if not records:
        return Text("Nothing was refused.")
    drawn = table("source", "rule", "rows", "for example", numbers=["rows"])
    for record in sorted(records, key=lambda record: (record.source, -record.rows)):
        add(drawn, record.source, Text(record.rule), count(record.rows), Text(record.example))
    return Group(drawn, hint(f"millrace quarantine show {records[0].source}", "See the rows"))


def rows(records: Sequence[Mapping[str, object]]) -> RenderableType:
    """Draw refused rows, each with what the quarantine knows of it."""
    if not records:
        return Text("Nothing was refused.")
    drawn = table(*records[0])
    for record in records:
        add(drawn, *(Text("" if value is None else str(value)) for value in record.values()))
    return drawn
