"""What an erasure removed, and until when it may linger."""

from __future__ import annotations

from rich.console import Group, RenderableType

from millrace.cli.render.layout import add, count, hint, line, table, verdict
from millrace.records.erasure import Erased


def erased(record: Erased) -> RenderableType:
    """Draw how many rows left which table, and what is left to do."""
    total, names = sum(record.removed.values()), ", ".join(record.columns)
    verb = "would be removed" if record.dry_run else "removed"
    told = f"{total:,} row{'' if total == 1 else 's'} {verb}, found by {names}" if total else f"no row has this {names}"
    drawn = table("table", "rows", numbers=["rows"])
    for key, rows in record.removed.items():
        add(drawn, key, count(rows))
    parts: list[RenderableType] = [verdict(True, f"{record.source}: {told}."), drawn]
    if record.unsearched:
        parts.append(line(f"Not searched, without these columns: {', '.join(record.unsearched)}."))
    if record.dry_run:
        return Group(*parts)
    if record.until:
        parts.append(line(f"Older versions can be read until {record.until}; the next ingest after that deletes them."))
    else:
        parts.append(line("Older versions are deleted."))
    parts.append(line(f"Not ingested again, known by {record.person}.", "dim"))
    if record.packages:
        versions = ", ".join(map(str, record.packages))
        parts.append(line(f"Packages and reports made before may have learned from the person: {versions}."))
        parts.append(hint("millrace run"))
    return Group(*parts)
