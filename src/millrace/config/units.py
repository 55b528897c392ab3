"""How people write durations and shares, as numbers: ``5 min`` is 300 seconds, ``15%`` is 0.15."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from millrace.errors import ProjectFileError, UsageError, nearest

#: Seconds in each unit of time, by its name in the singular.
UNITS: Mapping[str, float] = MappingProxyType(
    {
        "s": 1.0,
        "sec": 1.0,
        "second": 1.0,
        "min": 60.0,
        "minute": 60.0,
        "h": 3600.0,
        "hour": 3600.0,
        "day": 86400.0,
        "week": 604800.0,
        "month": 2629746.0,
        "year": 31556952.0,
    }
)
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
#: What a duration looks like, as a regular expression that JSON Schema understands too.
DURATION = rf"^\s*{_NUMBER}\s*(?:{'|'.join(UNITS)})s?\s*$"
#: What a number of trials looks like.
TRIALS = r"^\s*[1-9]\d*\s+trials?\s*$"
#: What a share looks like when it is written in percent.
PERCENT = rf"^\s*{_NUMBER}\s*%\s*$"


@dataclass(frozen=True, slots=True)
class Trials:
    """A budget that is counted in models tried, and so is the same on every machine."""

    count: int


def budget(text: object) -> object:
    """How many seconds a budget like ``5 min`` lasts, or how many trials ``20 trials`` are.

    Raises `ProjectFileError` for anything else, and for nothing at all.

    Examples
    --------
    >>> budget("5 min"), budget("20 trials")
    (300.0, Trials(count=20))
    """
    if isinstance(text, Trials):
        return text
    if isinstance(text, str) and re.match(TRIALS, text):
        return Trials(int(text.split()[0]))
    try:
        spent = seconds(text)
    except ProjectFileError as error:
        error.allowed = (*error.allowed, "20 trials")
        raise
    if isinstance(spent, bool) or not isinstance(spent, int | float) or not spent > 0:
        raise ProjectFileError(
            f"`{text}` is no budget.", code="config.value", allowed=["a time above 0, such as `5 min`", "`20 trials`"]
        )
    return float(spent)


def seconds(text: object) -> object:
    """How many seconds a duration like ``5 min`` or ``30 days`` lasts; numbers pass through.

    Months and years are those of the Gregorian calendar on average. Raises `ProjectFileError` for anything else.

    Examples
    --------
    >>> seconds("5 min"), seconds("30 days"), seconds(12)
    (300.0, 2592000.0, 12)
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return text
    match = re.fullmatch(rf"\s*({_NUMBER})\s*([A-Za-z]*)\s*", text) if isinstance(text, str) else None
    if match is None:
        raise ProjectFileError(
            "A duration is a number and a unit, such as `5 min`.", code="config.value", allowed=_units()
        )
    return float(match[1]) * (unit(match[2]) if match[2] else 1.0)


def unit(word: str) -> float:
    """How many seconds a unit of time lasts, in the singular or the plural.

    Examples
    --------
    >>> unit("hours"), unit("s")
    (3600.0, 1.0)
    """
    name = word.casefold()
    known = UNITS.get(name) or UNITS.get(name.removesuffix("s"))
    if known is None:
        raise ProjectFileError(
            f"`{word}` is not a unit of time.",
            code="config.value",
            allowed=_units(),
            nearest=nearest(name.removesuffix("s"), UNITS),
        )
    return known


def fraction(text: object) -> object:
    """What share ``15%`` is of one; numbers, and texts that are numbers, pass through.

    Raises `ProjectFileError` for anything else.

    Examples
    --------
    >>> fraction("15%"), fraction(0.2)
    (0.15, 0.2)
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return text
    if isinstance(text, str) and re.fullmatch(rf"\s*{_NUMBER}\s*", text):
        return float(text)
    if isinstance(text, str) and re.match(PERCENT, text):
        return float(text.strip().removesuffix("%")) / 100
    raise ProjectFileError("A share lies between 0 and 1, or between 0% and 100%: `0.15`, `15%`.", code="config.value")


def share(text: str | float) -> float:
    """What `fraction` reads, as a number. Raises `UsageError` for what is no share.

    Examples
    --------
    >>> share("5%"), share(0.5)
    (0.05, 0.5)
    """
    try:
        return float(fraction(text))  # type: ignore[arg-type]
    except ProjectFileError as error:
        raise UsageError(
            f"`{text}` is no share.", where="weight", code="traffic.weight", allowed=["5%", "0.05"]
        ) from error


def _units() -> tuple[str, ...]:
    return tuple(name for name in UNITS if name not in {"sec", "second", "minute", "hour"})
