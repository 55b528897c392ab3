"""What became of telling people."""

from __future__ import annotations

from rich.console import Group, RenderableType

from millrace.cli.render.layout import verdict
from millrace.records.message import Delivery


def deliveries(record: tuple[Delivery, ...]) -> RenderableType:
    """Draw one line per channel."""
    return Group(
        *(verdict(one.state == "sent", f"{one.channel}: {one.error or 'the message was taken'}") for one in record)
    )
