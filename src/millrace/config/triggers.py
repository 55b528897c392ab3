"""What starts a retraining: `drift`, `harm`, or an interval such as `30 days`."""

from __future__ import annotations

import re
from typing import Literal

from millrace.config.units import seconds
from millrace.errors import ProjectFileError, nearest

Event = Literal["drift", "harm"]
_EVENTS: tuple[Event, ...] = ("drift", "harm")


def parse_trigger(text: str) -> Event | float:
    """Which event starts a retraining, or after how many seconds it starts. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_trigger("drift"), parse_trigger("30 days")
    ('drift', 2592000.0)
    """
    for event in _EVENTS:
        if text.strip().casefold() == event:
            return event
    if re.match(r"\s*[\d.]+\s*[A-Za-z]", text) and (interval := float(str(seconds(text)))) > 0:
        return interval
    raise ProjectFileError(
        f"`{text}` does not say when to train again.",
        code="config.value",
        allowed=[*_EVENTS, "an interval such as `30 days`"],
        nearest=nearest(text, _EVENTS),
    )
