"""What people are told when something must be done, and what became of telling them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.records.spread import Spread

#: Written into every message that rests in the store; readers accept every older one.
FORMAT = 1

#: What a message may ask for, and the word for every one of them.
ASKED = ("all", "approve", "fix", "retrain", "roll back")


@dataclass(frozen=True, slots=True)
class Message:
    """A decision, told to a person: what, since when, how much, for whom, on what evidence, and what to run.

    `identity` is the same for every attempt to deliver one message, so that receivers can drop repetitions. Times are
    ISO 8601 with offset. A message about no model has the version 0, and in `package` what it is about.
    """

    identity: str
    project: str
    decision: str
    what: str
    since: str
    at: str
    rows: int
    package: str
    version: int
    evidence: tuple[str, ...]
    command: str
    picture: Spread | None = None
    format: int = FORMAT

    @property
    def title(self) -> str:
        """One line that says what is asked, of which model."""
        return f"[{self.project}] {self.decision}: {self._about}"

    @property
    def text(self) -> str:
        """The whole message in plain text, its picture last."""
        return f"{self.words}\n\n{self.bars}" if self.picture else self.words

    @property
    def bars(self) -> str:
        """The picture in plain text, for letters of equal width; "" where there is none."""
        return self.picture.drawn() if self.picture else ""

    @property
    def words(self) -> str:
        """The message in plain text, without its picture."""
        facts = [
            f"What: {self.what}",
            f"Since: {self.since} (seen {self.at})",
        ]
        if self.version:
            facts.append(f"Model: {self._about}" + (f", {self.rows:,} predictions looked at" if self.rows else ""))
        evidence = ["Evidence:", *(f"  - {line}" for line in self.evidence)] if self.evidence else []
        taken = [f'Taken on? millrace alert silence "{self.decision}" --for "1 day"'] if self.decision in ASKED else []
        return "\n".join([*facts, *evidence, f"To do: {self.command}", *taken])

    @property
    def _about(self) -> str:
        return f"{self.package} {self.version}" if self.version else self.package


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message on one channel: `waiting` ones are tried again, `error` says why they wait."""

    message: str
    channel: str
    state: Literal["sent", "waiting"]
    attempts: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of `decision` (one of `ASKED`) before `until`; times are ISO 8601 with offset."""

    decision: str
    until: str
    by: str
    at: str
    reason: str = ""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Told:
    """A message on record: which channels have it, and which are still to get it."""

    message: Message
    sent: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """What people were told, oldest first, and what they asked not to be told now."""

    told: tuple[Told, ...]
    silences: tuple[Silence, ...]
