"""By which steps a challenger gets traffic: `shadow`, then parts such as `5%` and `50%`; all of it is what follows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from millrace.config.units import fraction
from millrace.errors import ProjectFileError, nearest

SHADOW = "shadow"


def parse_stage(text: str) -> float | None:
    """The part of the traffic of one stage, above 0 and below 1; None for a shadow. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_stage("shadow"), parse_stage("5%")
    (None, 0.05)
    """
    if text.strip().casefold() == SHADOW:
        return None
    try:
        part = float(str(fraction(text)))
    except (ProjectFileError, ValueError):
        part = 0.0
    if not 0.0 < part < 1.0:
        raise ProjectFileError(
            f"`{text}` is no stage.",
            code="config.value",
            allowed=[SHADOW, "a part of the traffic such as `5%`; 100% is what follows the last stage"],
            nearest=nearest(text, [SHADOW]),
        )
    return part


def check_stages(stages: Sequence[str]) -> None:
    """Raise `ProjectFileError` unless each stage has more of the traffic than the one before."""
    parts = [parse_stage(one) or 0.0 for one in stages]
    if any(later <= earlier for earlier, later in pairwise(parts)):
        raise ProjectFileError(
            f"The stages {', '.join(stages)} do not grow.",
            code="config.value",
            allowed=["stages that grow, such as [shadow, 5%, 50%]"],
        )
