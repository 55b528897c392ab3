"""How far a column that grows has grown, and where to look again for rows that came late."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

#: Names that columns have which tell when a row changed, and when it was made.
CHANGED = re.compile(r"(?i)(updated|modified|changed|last_?edit)")
CREATED = re.compile(r"(?i)(created|inserted|recorded|timestamp|_at$|date$)")
#: Looked at again when `overlap` is not stated: seconds for moments, days for dates, steps for numbers.
OVERLAP = 600.0
OVERLAP_STEPS = 1000


def measure(value: Any) -> Any:
    """A cursor's value so that it can be compared and moved back; text that is no moment and no number stays text.

    Examples
    --------
    >>> measure("17"), measure("2026-01-31"), measure("01J9")
    (Decimal('17'), datetime.date(2026, 1, 31), '01J9')
    """
    if isinstance(value, int | float):
        return Decimal(str(value))
    if _is_object_id(value):
        return value.generation_time
    if not isinstance(value, str):
        return value
    if value.lstrip("-").replace(".", "", 1).isdigit():
        return Decimal(value)
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return value


def floor(high: Any, overlap: float | None) -> Any:
    """Where the overlap behind `high` begins, in the form that `high` is written in; `overlap` in seconds or steps.

    Examples
    --------
    >>> floor("2026-01-01T10:00:00Z", 600), floor(5000, None)
    ('2026-01-01T09:50:00Z', 4000)
    """
    value = measure(high)
    if isinstance(value, datetime):
        low = value - timedelta(seconds=OVERLAP if overlap is None else overlap)
        if _is_object_id(high):
            return type(high).from_datetime(low)
        return low if isinstance(high, datetime) else _written(low, high)
    if isinstance(value, date):
        low_day = value - timedelta(days=1 if overlap is None else -(-overlap // 86400))
        return low_day if isinstance(high, date) else low_day.isoformat()
    if isinstance(value, str):
        return high
    low_number = value - Decimal(OVERLAP_STEPS if overlap is None else overlap)
    return str(low_number) if isinstance(high, str) else type(high)(low_number)


def _is_object_id(value: Any) -> bool:
    """Of MongoDB, which begins with the second it was made in."""
    return type(value).__name__ == "ObjectId"


def _written(low: datetime, like: str) -> str:
    text = low.isoformat(" " if " " in like else "T")
    return text.removesuffix("+00:00") + "Z" if like.endswith("Z") else text
