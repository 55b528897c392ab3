"""Messages on their way: written down before they are sent, kept until they have arrived.

Message *n* about one condition is ``outbox/<condition>/<n>/message.json``, created if absent, so that of several
watchers one speaks. Beside it, ``<channel>.sent`` is created once the channel has it, ``<channel>.spared`` when it need
not have it any more, and ``<channel>.tried`` counts the attempts. A crash between sending and noting it sends once
more, under the same identity; nothing is ever lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from millrace.errors import RemoteError
from millrace.notify.base import Receiver
from millrace.notify.silences import silences, silent
from millrace.records.message import Delivery, Message, Told
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

    None as well while somebody asked for silence about it. Of two callers at one time, one gets None.
    """
    if silent(silences(store, datetime.fromisoformat(message.at)), message.decision):
        return None
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


def deliver(
    store: Store,
    receivers: Mapping[str, Receiver],
    now: datetime,
    stands: Callable[[Message], bool] = lambda _: True,
) -> tuple[Delivery, ...]:
    """Try every message that some receiver lacks, the oldest first; say what became of each.

    A receiver that is new in the project file gets a message only while one of its first receivers lacks it: so a
    corrected address gets what the wrong one could not, and an added one no old stories. One that is told `after` a
    while is spared what no longer `stands` then. While somebody asked for silence about a message, it rests.

    A channel that failed rests for a minute, then two, up to an hour, and is never given up. `now` is aware.
    """
    keys, held = frozenset(store.keys(FOLDER)), silences(store, now)
    return tuple(
        delivery
        for folder, posted in _all(store, keys)
        if not silent(held, posted.message.decision)
        for name in _lacking(folder, posted, keys, receivers)
        if (delivery := _in_turn(store, folder, posted.message, name, receivers[name], now, stands))
    )


def told(store: Store) -> tuple[Told, ...]:
    """Every message on record, in the order in which they were written."""
    keys = frozenset(store.keys(FOLDER))
    found = [
        Told(
            posted.message,
            tuple(name for name in posted.receivers if f"{folder}/{name}.sent" in keys),
            tuple(_lacking(folder, posted, keys, posted.receivers)),
        )
        for folder, posted in _all(store, keys)
    ]
    return tuple(sorted(found, key=lambda one: datetime.fromisoformat(one.message.at)))


def fire(receivers: Mapping[str, Receiver], message: Message) -> tuple[Delivery, ...]:
    """Send `message` to everybody at once, past the outbox, and say which of them have it."""
    return tuple(_send(name, receiver, message, _Tried()) for name, receiver in receivers.items())


def _in_turn(
    store: Store,
    folder: str,
    message: Message,
    name: str,
    receiver: Receiver,
    now: datetime,
    stands: Callable[[Message], bool],
) -> Delivery | None:
    """Attempt a delivery; None where the receiver is told later, or is spared it."""
    if not receiver.after:
        return _attempt(store, folder, message, name, receiver, now)
    if not stands(message):
        store.create(f"{folder}/{name}.spared", now.isoformat().encode())
        return None
    if now < datetime.fromisoformat(message.at) + timedelta(seconds=receiver.after):
        return None
    late = replace(message, evidence=(*message.evidence, f"others were told at {message.at}, and nobody took it on"))
    return _attempt(store, folder, late, name, receiver, now)


def _attempt(store: Store, folder: str, message: Message, name: str, receiver: Receiver, now: datetime) -> Delivery:
    content = store.read(f"{folder}/{name}.tried")
    tried = msgspec.json.decode(content, type=_Tried) if content else _Tried()
    if tried.next_at and now < datetime.fromisoformat(tried.next_at):
        return Delivery(message.identity, name, "waiting", tried.attempts, tried.error)
    delivery = _send(name, receiver, message, tried)
    if delivery.state == "sent":
        store.create(f"{folder}/{name}.sent", now.isoformat().encode())
        return delivery
    pause = min(_PAUSE * 2 ** min(tried.attempts, 10), _LONGEST)
    tried = _Tried(delivery.attempts, (now + pause).isoformat(), delivery.error)
    store.write(f"{folder}/{name}.tried", msgspec.json.encode(tried))
    return delivery


def _send(name: str, receiver: Receiver, message: Message, tried: _Tried) -> Delivery:
    try:
        receiver.channel.send(message)
    except RemoteError as error:
        return Delivery(message.identity, name, "waiting", tried.attempts + 1, error.seen)
    return Delivery(message.identity, name, "sent", tried.attempts + 1)


def _all(store: Store, keys: frozenset[str]) -> Iterator[tuple[str, _Posted]]:
    """The folder of each message with what it holds, condition by condition, the oldest first."""
    folders = (key.removesuffix("/message.json") for key in keys if key.endswith("/message.json"))
    return ((folder, _posted(store, folder)) for folder in sorted(folders, key=_order))


def _lacking(folder: str, posted: _Posted, keys: frozenset[str], names: Iterable[str]) -> list[str]:
    def done(name: str) -> bool:
        return not keys.isdisjoint((f"{folder}/{name}.sent", f"{folder}/{name}.spared"))

    first = posted.receivers
    waiting = not all(map(done, first))
    return [name for name in names if not done(name) and (waiting or name in first)]


def _posted(store: Store, folder: str) -> _Posted:
    return msgspec.json.decode(store.read(f"{folder}/message.json") or b"", type=_Posted)


def _order(folder: str) -> tuple[str, int]:
    _, about, number = folder.split("/")
    return about, int(number)
