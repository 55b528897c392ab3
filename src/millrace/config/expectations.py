"""What a whole load is expected to be like: how many rows, how many refused, how new."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from millrace.config.refusal import must_parse, read_by
from millrace.config.section import Duration, Name, Section
from millrace.errors import ProjectFileError

_NUMBER = r"(\d[\d_,]*(?:\.\d+)?|\.\d+)\s*(%?)"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number must lie between; `low` and `high` themselves are within unless they are `open`."""

    low: float = -math.inf
    high: float = math.inf
    open: bool = False

    def hold(self, value: float) -> bool:
        """Whether `value` lies within.

        Examples
        --------
        >>> parse_bounds("1000 to 2,000").hold(2000), parse_bounds("< 5%").hold(0.05)
        (True, False)
        """
        return self.low < value < self.high if self.open else self.low <= value <= self.high


def parse_bounds(text: str) -> Bounds:
    """What `> 1000`, `<= 5%` or `1000 to 2000` say. Raises `ProjectFileError` for anything else."""
    if match := re.fullmatch(rf"\s*([<>])(=?)\s*{_NUMBER}\s*", text):
        value = _value(match[3], match[4])
        low, high = (-math.inf, value) if match[1] == "<" else (value, math.inf)
        return Bounds(low, high, open=not match[2])
    if match := re.fullmatch(rf"\s*{_NUMBER}\s+to\s+{_NUMBER}\s*", text):
        low, high = _value(match[1], match[2]), _value(match[3], match[4])
        if low <= high:
            return Bounds(low, high)
        raise ProjectFileError(f"`{text}` ends before it begins.", code="config.value")
    allowed = ["> 1000", ">= 1000", "< 2000", "<= 2000", "1000 to 2000"]
    raise ProjectFileError(f"`{text}` is no bound.", code="config.value", allowed=allowed)


def _share(text: str) -> Bounds:
    """An upper bound in percent."""
    bounds = parse_bounds(text)
    if math.isfinite(bounds.low) or "%" not in text:
        raise ProjectFileError(
            f"`{text}` is no upper bound in percent.", code="config.value", allowed=["< 5%", "<= 5%"]
        )
    return bounds


def _as_written(value: object) -> object:
    """A bare number as a text, so that it is told to be no bound."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Count = Annotated[str, read_by(_as_written), must_parse(parse_bounds)]
Share = Annotated[str, read_by(_as_written), must_parse(_share)]


class Expectations(Section):
    """What every load of a source must be like; its rows stay, and nothing learns from a load that is not."""

    rows: Count | None = Field(None, description='how many rows a load brings: `1000 to 2000`, or `">= 1000"`')
    rows_change: Share | None = Field(
        None, description='how far that may be from the median of the 7 loads before: `"< 50%"`'
    )
    quarantined: Share | None = Field(None, description='how many of the rows read may be refused: `"< 5%"`')
    fresh: dict[Name, Duration] = Field(
        default_factory=dict, description="how old the newest value of a time column may be: `order_date: 2 days`"
    )

    def __bool__(self) -> bool:
        return self != Expectations()


def _value(number: str, percent: str) -> float:
    return float(number.replace("_", "").replace(",", "")) / (100 if percent else 1)
