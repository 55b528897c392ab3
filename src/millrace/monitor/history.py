"""What earlier looks decided: one object per change, so that every decision is on record and has a beginning.

Entry *n* is ``decisions/<n>.json``, created if absent and never changed. A look that finds what the newest entry says
adds nothing, so a year of hourly looks at a healthy model is one object.
"""

from __future__ import annotations

import msgspec

from millrace.records.monitoring import Decision
from millrace.store.objects import Store

FOLDER = "decisions"


def remember(store: Store, decision: Decision) -> str:
    """Put `decision` on record when it is news; since when looks have said the same of this package.

    The beginning is the time of the first entry after which no look decided otherwise. Which columns alarmed may have
    changed meanwhile; each such change is on record too.
    """
    past = history(store)
    if not past or _says(past[-1]) != _says(decision):
        store.create(f"{FOLDER}/{len(past) + 1}.json", msgspec.json.format(msgspec.json.encode(decision), indent=2))
    since = decision.at
    for earlier in reversed(past):
        if _asks(earlier) != _asks(decision):
            break
        since = earlier.at
    return since


def history(store: Store) -> tuple[Decision, ...]:
    """Every decision that was news, oldest first."""
    keys = sorted(store.keys(FOLDER), key=lambda key: int(key.split("/")[-1].removesuffix(".json")))
    return tuple(msgspec.json.decode(store.read(key) or b"", type=Decision) for key in keys)


def _asks(decision: Decision) -> tuple[str, str, int]:
    return decision.decision, decision.package, decision.version


def _says(decision: Decision) -> tuple[object, ...]:
    return (*_asks(decision), frozenset((alarm.kind, alarm.column) for alarm in decision.alarms))
