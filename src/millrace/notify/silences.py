"""Who asked for silence about what, until when: that somebody has taken a matter on, and need not be told again."""

from __future__ import annotations

from datetime import datetime

import msgspec

from millrace.records.message import ASKED, Silence
from millrace.store.objects import Store

FOLDER = "silences"


def silence(store: Store, silenced: Silence) -> Silence:
    """Write a silence down, in the place of an earlier one about the same decision."""
    store.write(f"{FOLDER}/{ASKED.index(silenced.decision)}.json", msgspec.json.encode(silenced))
    return silenced


def silences(store: Store, now: datetime) -> tuple[Silence, ...]:
    """The silences that hold at an aware time."""
    written = (msgspec.json.decode(store.read(key) or b"", type=Silence) for key in store.keys(FOLDER))
    return tuple(one for one in written if now < datetime.fromisoformat(one.until))


def silent(held: tuple[Silence, ...], decision: str) -> bool:
    """Whether nobody is to be told of `decision` while these silences hold."""
    return any(one.decision in {decision, "all"} for one in held)
