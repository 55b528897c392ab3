"""Any URL: the message as one JSON object, its fields as in `records.message`, and `title` and `text` to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from millrace.notify.base import NotifierKind
from millrace.notify.http import address, post
from millrace.records.message import Message


@dataclass(frozen=True, slots=True)
class Webhook:
    """One URL that takes messages."""

    url: str

    def send(self, message: Message) -> None:
        """Hand the message over. Raises `RemoteError`."""
        content = msgspec.to_builtins(message) | {"title": message.title, "text": message.text}
        post(self.url, content, message.identity)


def _open(target: str | Mapping[str, Any]) -> Webhook:
    return Webhook(address(KIND.name, target))


KIND = NotifierKind("webhook", _open)
