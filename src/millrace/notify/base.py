"""What a notifier owes: open a channel from its line in the project file, send one message or raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from millrace.records.message import Message

#: Seconds after which a silent receiver is given up, until the next attempt.
PATIENCE = 10.0


class Channel(Protocol):
    """A way to one receiver."""

    def send(self, message: Message) -> None:
        """Hand `message` over; returning means that the receiver has it.

        Raises `RemoteError` when it has not. No error may show a password or a secret part of a URL.
        """


@dataclass(frozen=True, slots=True)
class NotifierKind:
    """One kind of notifier: its key in `monitor.alert`, and how its channels are opened.

    `open` gets what stands behind the key, a text or a mapping, and raises `ProjectFileError` when it cannot be meant.
    """

    name: str
    open: Callable[[str | Mapping[str, Any]], Channel]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told through `channel`: at once, or only of what still stands, unsilenced, `after` so many seconds."""

    channel: Channel
    after: float = 0.0
