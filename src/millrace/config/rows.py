"""Which rows a retraining learns from: `all`, `since drift`, `newest 90 days`, or `weighted 30 days` by their age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.config.units import DURATION, seconds
from millrace.errors import ProjectFileError, nearest

Kind = Literal["all", "since drift", "newest", "weighted"]
_ALONE: tuple[Kind, ...] = ("all", "since drift", "weighted")
#: What each may look like, as a regular expression that JSON Schema understands too.
PATTERN = rf"^\s*(all|since drift|weighted|(newest|weighted)\s+{DURATION[4:-1]})$"


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows: `seconds` is how far back the newest reach, or after how much age a row's weight is halved."""

    kind: Kind
    seconds: float = 0.0


def parse_rows(text: str) -> Rows:
    """Which rows are meant; `weighted` alone leaves the half-life to the data. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_rows("since drift"), parse_rows("newest 90 days")
    (Rows(kind='since drift', seconds=0.0), Rows(kind='newest', seconds=7776000.0))
    """
    words = " ".join(text.split()).casefold()
    for kind in _ALONE:
        if words == kind:
            return Rows(kind)
    first, _, rest = words.partition(" ")
    if first in {"newest", "weighted"} and rest[:1].isdigit() and (lasting := float(str(seconds(rest)))) > 0:
        return Rows("newest" if first == "newest" else "weighted", lasting)
    raise ProjectFileError(
        f"`{text}` does not say which rows to learn from.",
        code="config.value",
        allowed=[*_ALONE, "newest 90 days", "weighted 30 days"],
        nearest=nearest(words, _ALONE),
    )
