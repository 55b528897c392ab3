"""A Slack channel, by its incoming webhook (also Mattermost and Rocket.Chat, which take the same)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from millrace.notify.base import NotifierKind
from millrace.notify.http import address, post
from millrace.records.message import Message

#: A section of Slack's Block Kit holds no more characters.
_MOST = 3000


@dataclass(frozen=True, slots=True)
class Slack:
    """One incoming webhook."""

    url: str

    def send(self, message: Message) -> None:
        """Hand the message over. Raises `RemoteError`."""
        post(self.url, content(message), message.identity)


def content(message: Message) -> dict[str, object]:
    """The message as Slack wants it; `text` alone is what notifications and older servers show."""
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": _plain(message.words)[:_MOST]}},
    ]
    if message.picture:
        drawn = _plain(message.bars.replace("`", "'"))[: _MOST - 8]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"```\n{drawn}\n```"}})
    return {"text": _plain(f"{message.title}\n{message.text}"), "blocks": blocks}


def _plain(text: str) -> str:
    """Without Slack's control characters: values out of the data must not become links or calls to everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _open(target: str | Mapping[str, Any]) -> Slack:
    return Slack(address(KIND.name, target))


KIND = NotifierKind("slack", _open)
