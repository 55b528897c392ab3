"""Access keys, drawn for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, hint, table, verdict
from millrace.records.key import Key, NewKey


def created(record: NewKey) -> RenderableType:
    """Draw a new key with its secret."""
    where = f" at {', '.join(record.key.models)}" if record.key.models else ""
    return Group(
        verdict(True, f"{record.key.name} may {', '.join(record.key.verbs)}{where} with this key, shown only now:"),
        Text(f"  {record.secret}", style="bold", no_wrap=True, overflow="ignore"),
        Text(f"  id {record.key.id} · sent as `Authorization: Bearer …`", style="dim"),
    )


def listed(records: Sequence[Key]) -> RenderableType:
    """Draw every key, revoked ones dimmed."""
    if not records:
        return Group(Text("There are no keys yet."), hint("millrace key create NAME"))
    drawn = table("id", "name", "good for", "created (UTC)", "by", "revoked")
    for key in records:
        times = [f"{at[:10]} {at[11:16]}".strip() for at in (key.created, key.revoked)]
        style = "dim" if key.revoked else ""
        good = ", ".join(key.verbs) + (f" at {', '.join(key.models)}" if key.models else "")
        add(drawn, key.id, key.name, good, times[0], key.by, times[1], style=style)
    return drawn


def revoked(record: Key) -> RenderableType:
    """Draw the end of a key."""
    return verdict(True, f"The key {record.id} of {record.name} is good for nothing any more.")
