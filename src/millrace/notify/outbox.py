"""Messages on their way: written down before they are sent, kept until they have arrived.

Message *n* about one condition is ``outbox/<condition>/<n>/message.json``, created if absent, so that of several
watchers one speaks. Beside it, ``<channel>.sent`` is created once the channel has it, ``<channel>.tried`` counts the
attempts. A crash between sending and noting it sends once more, under the same identity; nothing is ever lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from millrace.errors import RemoteError
from millrace.notify.base import Channel
from millrace.records.message import Delivery, Message
from millrace.store.objects import Store

FOLDER = "outbox"
#: The pause after the first failed attempt, doubled after each further one, up to `_LONGEST`.
_PAUSE, _LONGEST = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Tried:
    attempts: int = 0
    next_at: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Posted:
    message: Message
    receivers: tuple[str, ...]


def condition(message: Message) -> str:
    """What a message is about, as a key: the same decision about the same package is the same condition."""
    about = f"{message.project}\0{message.package}\0{message.version}\0{message.decision}"
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def post(store: Store, message: Message, receivers: Iterable[str], *, cooldown: float) -> Message | None:
    """Write `message` down for `receivers`; None when its condition was told in the last `cooldown` seconds.

    Of two callers at one time, one gets None.
    """
    folder = f"{FOLDER}/{condition(message)}"
    told = sorted(int(key.split("/")[2]) for key in store.keys(folder) if key.endswith("/message.json"))
    if told:
        last = _posted(store, f"{folder}/{told[-1]}").message
        if datetime.fromisoformat(message.at) - datetime.fromisoformat(last.at) < timedelta(seconds=cooldown):
            return None
    number = told[-1] + 1 if told else 1
    named = replace(message, identity=f"{condition(message)}/{number}")
    content = msgspec.json.encode(_Posted(named, tuple(sorted(receivers))))
    return named if store.create(f"{FOLDER}/{named.identity}/message.json", content) else None


def deliver(store: Store, channels: Mapping[str, Channel], now: datetime) -> tuple[Delivery, ...]:
    """Try every message that some channel lacks, the oldest first; say what became of each.

    A channel that is new in the project file gets a message only while one of its first receivers lacks it: so a
    corrected address gets what the wrong one could not, and an added one no old stories.

    A channel that failed rests for a minute, then two, up to an hour, and is never given up. `now` is aware.
    """
    keys = frozenset(store.keys(FOLDER))
    folders = sorted((key.removesuffix("/message.json") for key in keys if key.endswith("/message.json")), key=_order)
    return tuple(
        _attempt(store, folder, name, channels[name], now)
        for folder in folders
        for name in _lacking(store, folder, keys, channels)
    )


def fire(channels: Mapping[str, Channel], message: Message) -> tuple[Delivery, ...]:
    """Send `message` through every channel at once, past the outbox, and say which of them have it."""
    return tuple(_send(name, channel, message, _Tried()) for name, channel in channels.items())


def _attempt(store: Store, folder: str, name: str, channel: Channel, now: datetime) -> Delivery:
    content = store.read(f"{folder}/{name}.tried")
    tried = msgspec.json.decode(content, type=_Tried) if content else _Tried()
    message = _posted(store, folder).message
    if tried.next_at and now < datetime.fromisoformat(tried.next_at):
        return Delivery(message.identity, name, "waiting", tried.attempts, tried.error)
    delivery = _send(name, channel, message, tried)
    if delivery.state == "sent":
        store.create(f"{folder}/{name}.sent", now.isoformat().encode())
        return delivery
    pause = min(_PAUSE * 2 ** min(tried.attempts, 10), _LONGEST)
    tried = _Tried(delivery.attempts, (now + pause).isoformat(), delivery.error)
    store.write(f"{folder}/{name}.tried", msgspec.json.encode(tried))
    return delivery


def _send(name: str, channel: Channel, message: Message, tried: _Tried) -> Delivery:
    try:
        channel.send(message)
    except RemoteError as error:
        return Delivery(message.identity, name, "waiting", tried.attempts + 1, error.seen)
    return Delivery(message.identity, name, "sent", tried.attempts + 1)


def _lacking(store: Store, folder: str, keys: frozenset[str], channels: Iterable[str]) -> list[str]:
    lacking = [name for name in channels if f"{folder}/{name}.sent" not in keys]
    if not lacking:
        return []
    first = _posted(store, folder).receivers
    waiting = any(f"{folder}/{name}.sent" not in keys for name in first)
    return [name for name in lacking if waiting or name in first]


def _posted(store: Store, folder: str) -> _Posted:
    return msgspec.json.decode(store.read(f"{folder}/message.json") or b"", type=_Posted)


def _order(folder: str) -> tuple[str, int]:
    _, about, number = folder.split("/")
    return about, int(number)
