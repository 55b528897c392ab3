"""When something happens by itself: an interval such as `15 min`, or five fields of cron such as `0 3 * * 1-5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from millrace.config.units import seconds
from millrace.errors import ProjectFileError

_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again, so many seconds after the last time."""

    seconds: float

    def following(self, last: datetime | None, started: datetime) -> datetime:
        """When it is due next; at once when it never happened. `started` is when the schedule began to count."""
        return started if last is None else last + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """At the minutes that five fields name (minute, hour, day, month, weekday), in UTC."""

    text: str

    def following(self, last: datetime | None, started: datetime) -> datetime:
        """When it is due next: the first such minute after the last time, or after `started` when there was none.

        Minutes that passed while nobody was there to keep them are kept once, and at once.
        """
        from cronsim import CronSim

        return next(CronSim(self.text, (last or started).astimezone(UTC)))


Schedule = Every | Cron


def parse_schedule(text: str) -> Schedule:
    """What a schedule says. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_schedule("15 min")
    Every(seconds=900.0)
    >>> parse_schedule("0 3 * * *").following(None, datetime(2026, 5, 3, 14, tzinfo=UTC)).isoformat()
    '2026-05-04T03:00:00+00:00'
    """
    fields = text.split()
    if len(fields) == _FIELDS or "*" in text:
        return _cron(text, fields)
    if re.match(r"\s*[\d.]+\s*[A-Za-z]", text) and (interval := float(str(seconds(text)))) > 0:
        return Every(interval)
    raise _refused(text)


def _cron(text: str, fields: list[str]) -> Cron:
    from cronsim import CronSim, CronSimError

    try:
        if len(fields) != _FIELDS:
            raise _refused(text)
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise _refused(text, f": {str(error).lower()}" if str(error) else "") from error
    return Cron(" ".join(fields))


def _refused(text: str, why: str = "") -> ProjectFileError:
    return ProjectFileError(
        f"`{text}` is no schedule{why}.",
        code="config.value",
        allowed=["an interval such as `15 min`", "minute hour day month weekday in UTC, such as `0 3 * * 1-5`"],
    )
