"""What became of telling people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, table, verdict
from millrace.records.message import Delivery, Silence, Telling


def deliveries(record: tuple[Delivery, ...]) -> RenderableType:
    """Draw one line per channel."""
    return Group(
        *(verdict(one.state == "sent", f"{one.channel}: {one.error or 'the message was taken'}") for one in record)
    )


def telling(record: Telling) -> RenderableType:
    """Draw one line per message, and the silences that hold."""
    drawn = table("at (UTC)", "asked for", "about", "what", "has it", "waiting")
    for one in record.told:
        message = one.message
        about = f"{message.package} {message.version}" if message.version else message.package
        at = f"{message.at[:10]} {message.at[11:16]}"
        add(drawn, at, message.decision, about, message.what, ", ".join(one.sent), ", ".join(one.waiting))
    told = drawn if record.told else Text("Nobody was told of anything yet.")
    return Group(told, *(silenced(one) for one in record.silences))


def silenced(record: Silence) -> RenderableType:
    """Draw what nobody is told of, and until when."""
    if record.until <= record.at:
        return Text(f"People are told of {record.decision} again.")
    until = f"{record.until[:10]} {record.until[11:16]} UTC"
    words = f"Nobody is told of {record.decision} before {until} (asked by {record.by})."
    return Text(f"{words} {record.reason}".rstrip())
