"""The audit log: what was run, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, line, table
from millrace.cli.render.layout import verdict as sentence
from millrace.records.audit import Action, AuditVerdict


def actions(records: Sequence[Action]) -> RenderableType:
    """Draw one line for each verb that was run."""
    if not records:
        return Text("Nothing was run yet.")
    drawn = table("no", "at (UTC)", "who", "verb", "with", "outcome", "made", numbers=["no"])
    for record in records:
        at = f"{record.at[:10]} {record.at[11:19]}"
        with_, made = _listed(record.arguments), _listed(record.ids)
        add(drawn, str(record.number), at, record.actor, record.verb, with_, record.outcome, made)
    return drawn


def verdict(record: AuditVerdict) -> RenderableType:
    """Draw whether the chain holds, and its head."""
    if not record.intact:
        return sentence(False, record.problem)
    return Group(
        sentence(True, f"{record.entries:,} entries, none changed, removed or inserted."),
        line(f"  head {record.head}", "dim"),
    )


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
