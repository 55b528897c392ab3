"""How many false alarms are bearable: `1 per month`, as a rate."""

from __future__ import annotations

import re

from millrace.config.units import unit
from millrace.errors import ProjectFileError, nearest

_PERIODS = ("day", "week", "month", "year")


def parse_false_alarms(text: str) -> float:
    """How many alarms per second a budget like ``1 per month`` allows. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_false_alarms("2 per day") * 86400
    2.0
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s+per\s+(\w+)\s*", text.casefold())
    if match is None or float(match[1]) == 0 or match[2] not in _PERIODS:
        raise ProjectFileError(
            f"`{text}` is not a budget of false alarms.",
            code="config.value",
            allowed=[f"N per {period}" for period in _PERIODS],
            nearest=_guess(match[1], match[2]) if match else None,
        )
    return float(match[1]) / unit(match[2])


def _guess(count: str, period: str) -> str | None:
    word = nearest(period, _PERIODS)
    return f"{count} per {word}" if word and float(count) else None
