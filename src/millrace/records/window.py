"""Which rows of a dataset a model is made from, by when they were."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The rows that a retraining asks for: those `start` (ISO 8601) or later, or the newest `seconds` of them.

    With `weighted`, all of them, and a row's weight is halved with every `half_life` seconds before the newest row; 0
    leaves that to the data. `rows` is how the project file says it, `why` what the start rests on.
    """

    rows: str
    start: str = ""
    seconds: float = 0.0
    weighted: bool = False
    half_life: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class RowsUsed:
    """The rows that a model was made from, learned and judged: `used` of `of`, from `start` to `end` by column `time`.

    `start` is empty where all were used; `said` tells it in words. A row's weight was halved with every `half_life`
    seconds of its age; 0 where all weighed alike.
    """

    rows: str
    time: str
    start: str
    end: str
    used: int
    of: int
    said: str
    half_life: float = 0.0
