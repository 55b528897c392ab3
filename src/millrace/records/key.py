"""Who may ask a server for what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: Written into every key that rests; readers accept every older one.
FORMAT = 1

#: What a key may be good for; ``admin`` is good for everything.
KeyVerb = Literal["predict", "feedback", "metrics", "admin"]


@dataclass(frozen=True, slots=True)
class Key:
    """An access key without its secret: `verbs` is what it is good for, times are ISO 8601 in UTC.

    `revoked` is empty while the key is good; `models` are the packages it is good for, all of them when empty.
    """

    id: str
    name: str
    verbs: tuple[KeyVerb, ...]
    created: str
    by: str
    revoked: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is what its holder sends; it rests nowhere, so this is the only time it is seen."""

    key: Key
    secret: str = field(repr=False)
