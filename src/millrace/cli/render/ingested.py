"""What an ingest did: where every row went."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, count, hint, table
from millrace.records.ingestion import Ingested

_COUNTS = ("read", "kept", "quarantined", "duplicate", "late")


def ingested(records: Sequence[Ingested]) -> RenderableType:
    """Draw the counts of each source, and the reasons of what was refused."""
    drawn = table("source", "files", *_COUNTS, "version", numbers=["files", *_COUNTS, "version"], title="Ingest")
    for record in records:
        counts = [count(getattr(record, name)) for name in _COUNTS]
        add(drawn, record.source, count(record.files), *counts, str(record.table_version))
    parts: list[RenderableType] = [drawn]
    for record in records:
        parts += [Text.assemble(("! ", "yellow"), f"{record.source}: {change}") for change in record.changes]
        for rule, rows in sorted(record.reasons.items(), key=lambda item: -item[1]):
            parts.append(Text.assemble(("! ", "yellow"), f"{record.source}: {rows:,} refused by ", (rule, "bold")))
        for told in record.expectations:
            sign = ("✓ ", "green") if told.holds else ("✗ ", "red")
            parts.append(Text.assemble(sign, f"{record.source}: ", (told.name, "bold"), f": {told.text}"))
        if record.replaced:
            parts.append(Text(f"  {record.source}: {record.replaced:,} replaced by newer ones of their key"))
        if record.erased:
            parts.append(Text(f"  {record.source}: {record.erased:,} left out, of persons who were erased"))
        if record.deleted:
            parts.append(Text(f"  {record.source}: {record.deleted:,} removed, since the source has them no more"))
        if expired := sum(record.expired.values()):
            parts.append(Text(f"  {record.source}: {expired:,} removed, since their time was over"))
    if any(record.quarantined for record in records):
        parts.append(hint("millrace quarantine list", "See them"))
    return Group(*parts)
