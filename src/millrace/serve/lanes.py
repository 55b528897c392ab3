"""Who answers a request: the champion, or what is tried beside it.

An asker's key and the salt of the trial are hashed to a place between 0 and 1; the challenger answers below its weight.
So an asker always meets the same model, and of those who do, none changes sides when the weight grows (Tang et al.,
2010, "Overlapping Experiment Infrastructure", section 3, hash their cookies so too).
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from millrace.errors import RequestError
from millrace.inference.columns import Reader
from millrace.inference.direct import Direct
from millrace.inference.model import Model
from millrace.inference.single import Single
from millrace.privacy.columns import Privacy
from millrace.records.traffic import Challenger, Traffic
from millrace.serve.personal import Personal
from millrace.store.log_entries import Opening
from millrace.store.segments import SegmentWriter

Role = Literal["", "champion", "challenger", "shadow", "asked"]


class Asker(NamedTuple):
    """What a request says of who is to answer: the key of its asker, and a role or version it asks for by name."""

    key: str = ""
    model: str = ""


ANYONE = Asker()


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model with what is worked out once for all its requests, and the log of its answers.

    `single` is None where personal values are to be protected first.
    """

    model: Model
    reader: Reader
    direct: Direct
    single: Single | None
    known: tuple[frozenset[str], ...]
    opening: bytes
    personal: Personal
    log: SegmentWriter | None = None

    @classmethod
    def of(cls, model: Model, private: Privacy, log: Callable[[bytes], SegmentWriter | None]) -> Loaded:
        """Prepare `model` for serving, with personal values protected by `private` and the log that `log` opens."""
        manifest = model.manifest
        signature = manifest.signature
        known = tuple(
            frozenset((*field.categories, "")) if field.type == "category" and field.categories else frozenset()
            for field in signature.texts
        )
        personal = Personal(signature, private)
        opening = msgspec.msgpack.encode(Opening(manifest.name, manifest.version, signature))
        return cls(
            model,
            Reader(signature),
            Direct(signature),
            None if personal.protects else model.single(),
            known if any(known) else (),
            opening,
            personal,
            log(opening),
        )

    @property
    def version(self) -> int:
        """Which version of the package it is."""
        return self.model.manifest.version

    def unseen(self, texts: Sequence[str]) -> int:
        """How many of some rows' texts, one row after another, are categories that training has not seen."""
        if not self.known:
            return 0
        return sum(bool(known) and text not in known for known, text in zip(itertools.cycle(self.known), texts))


class Lane(NamedTuple):
    """Who answers one request, in which role (empty while nothing is tried), and the asker as the log knows it."""

    loaded: Loaded
    role: Role = ""
    unit: str = ""


class Lanes:
    """The models of one worker; never changed, only replaced."""

    def __init__(
        self,
        champion: Loaded,
        challenger: Loaded | None = None,
        shadow: Loaded | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.champion = champion
        self.challenger = challenger
        self.shadow = shadow
        self.traffic = traffic
        self._trial = traffic.challenger if traffic and challenger else None
        self._only = Lane(champion)

    @property
    def alone(self) -> bool:
        """Whether nothing is tried, so that every request has the same answer."""
        return self._trial is None and self.shadow is None

    @property
    def all(self) -> tuple[Loaded, ...]:
        """Every model that is here."""
        return tuple(loaded for loaded in (self.champion, self.challenger, self.shadow) if loaded)

    @property
    def named(self) -> dict[str, Loaded]:
        """Every model that is here, by each name under which a request may ask for it."""
        roles = {"champion": self.champion, "challenger": self.challenger, "shadow": self.shadow}
        present = {role: loaded for role, loaded in roles.items() if loaded}
        return present | {str(loaded.version): loaded for loaded in self.all}

    def lane(self, asker: Asker = ANYONE, value: Callable[[str], object] | None = None) -> Lane:
        """Who answers a request. `value` gives the value of a field of its first row, where a field may be the key.

        Raises `RequestError` when it asks for a model that is not served here.
        """
        if asker.model:
            return self._asked_for(asker.model)
        if self._trial is None:
            return self._only
        return self._by_key(self._trial, asker.key or _key(self._trial, value))

    def hears(self, lane: Lane) -> Loaded | None:
        """The shadow that hears the request of this lane, if any."""
        if self.shadow is None or self.traffic is None or self.traffic.shadow is None or lane.role == "asked":
            return None
        weight = self.traffic.shadow.weight
        return self.shadow if weight >= 1.0 or int.from_bytes(os.urandom(4)) < weight * 2**32 else None

    def _asked_for(self, name: str) -> Lane:
        found = self.named.get(name)
        if found is None:
            raise RequestError(
                f"The model `{name}` was asked for, which is not served here.",
                code="request.model",
                allowed=list(self.named),
            )
        return Lane(found, "" if self.alone else "asked")

    def _by_key(self, trial: Challenger, key: str) -> Lane:
        digest = hashlib.blake2b(
            key.encode("utf-8", "surrogateescape"), digest_size=16, key=trial.salt.encode()
        ).digest()
        unit = digest[8:].hex()
        if self.challenger and int.from_bytes(digest[:8]) < trial.weight * 2**64:
            return Lane(self.challenger, "challenger", unit)
        return Lane(self.champion, "champion", unit)


def _key(trial: Challenger, value: Callable[[str], object] | None) -> str:
    """The asker's key by the trial's field; by chance where there is none."""
    found = value(trial.sticky) if trial.sticky and value else None
    return os.urandom(8).hex() if found is None else str(found)
