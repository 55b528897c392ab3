"""The budget of false alarms, spent by what is new and not by looks: however often one looks, the promise holds.

The budget is a rate: so many false alarms per second of the predictions' time; it accrues to a balance. A look takes
the share of a window times the part of its rows that no look has seen, so a whole window's share is taken while the
window fills once, in one look or in a thousand; and never more than the balance. Over a time T all looks together take
at most rate x T and the `RESERVE` of a new package, and the chance of a false alarm is at most the sum of what they
took (Boole), whatever they share of their rows. A look soon after an alarm has little to spend, so what was found a
moment ago stands for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from millrace.config.false_alarms import parse_false_alarms
from millrace.config.schema import MonitorSettings
from millrace.records.monitoring import Alarm, ColumnDrift
from millrace.records.profile import ColumnDependence
from millrace.store.objects import Store

#: However generous the budget of false alarms is, one look takes no more than the customary level.
MOST = 0.05
#: The part of the budget that the test without labels takes (`monitor.unlabelled.harmful`).
WITHOUT_LABELS = 1 / 4
#: Windows' shares that a new package has to spend, and the most that can be saved: a first look must be able to speak.
RESERVE = 4.0
#: For this part of a window an alarm stands by itself.
STANDS = 1 / 96
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What the last look took, what it left and what stands; times are ISO 8601.

    `newest` is of the newest prediction looked at, `reported` of the newest outcome ("" when there was none).
    `columns` and `harm` are the alarms of the newest look that had any, at `alarmed`. `dependence` of rows on those
    before was learned from so many whole windows (`learned`).
    """

    newest: str
    level: float
    balance: float = 0.0
    reported: str = ""
    alarmed: str = ""
    columns: Mapping[str, ColumnDrift] = field(default_factory=dict)
    harm: Alarm | None = None
    dependence: Mapping[str, ColumnDependence] = field(default_factory=dict)
    learned: int = 0
    format: int = FORMAT

    def standing(self, newest: datetime, window: float) -> bool:
        """Whether the alarms on record still stand at `newest`."""
        if not self.alarmed:
            return False
        return newest - datetime.fromisoformat(self.alarmed) < timedelta(seconds=window * STANDS)


def last(store: Store, package: str, version: int) -> Spent | None:
    """What the last look at a package took and found; None before the first."""
    content = store.read(_key(package, version))
    return msgspec.json.decode(content, type=Spent) if content else None


def keep(store: Store, package: str, version: int, spent: Spent) -> None:
    """Put on record what a look took and found."""
    store.write(_key(package, version), msgspec.json.encode(spent))


def take(settings: MonitorSettings, before: Spent | None, newest: datetime, fresh: float) -> tuple[float, float]:
    """The chance of a false alarm that a look may take, at most `MOST`, and the balance that it leaves.

    `fresh` is the part (0 to 1) of the look's rows, or outcomes, that the look `before` did not see. A look at nothing
    new is the same look, and has the same level.

    Examples
    --------
    >>> settings = MonitorSettings(false_alarms="1 per month", window="1 day")
    >>> level, balance = take(settings, None, datetime(2026, 5, 3), 1.0)
    >>> round(level, 4), round(balance, 4)
    (0.0329, 0.0986)
    >>> level, balance = take(settings, Spent("2026-05-03T00:00:00", level, balance), datetime(2026, 5, 3, 1), 1 / 24)
    >>> round(level, 5), round(balance, 4)
    (0.00137, 0.0986)
    """
    rate = parse_false_alarms(settings.false_alarms)
    share = min(rate * settings.window, MOST)
    if before is None:
        return share, (RESERVE - 1) * share
    if fresh <= 0:
        return before.level, before.balance
    passed = max((newest - datetime.fromisoformat(before.newest)).total_seconds(), 0.0)
    balance = min(before.balance + rate * passed, RESERVE * share)
    level = min(share * fresh, balance)
    return level, balance - level


def _key(package: str, version: int) -> str:
    return f"monitor/{package}/{version}.json"
