"""Which rows a retraining asks for: as the project file says, and from when on what stands began."""

from __future__ import annotations

from datetime import datetime, timedelta

from millrace.config.rows import parse_rows
from millrace.config.schema import MonitorSettings, ProjectSettings
from millrace.records.monitoring import HARMS, Decision
from millrace.records.window import Window


def window(settings: ProjectSettings, decision: Decision) -> Window | None:
    """What `retrain.rows` asks for when `decision` is acted on; None where that is all rows, all alike."""
    text = " ".join(settings.retrain.rows.split())
    asked = parse_rows(text)
    if asked.kind == "all":
        return None
    if asked.kind == "newest":
        return Window(text, seconds=asked.seconds)
    if asked.kind == "weighted":
        return Window(text, weighted=True, half_life=asked.seconds)
    start, why = began(decision, settings.monitor)
    return Window(text, start=start, why=why)


def began(decision: Decision, settings: MonitorSettings) -> tuple[str, str]:
    """From when on the world may be what the decision is about, as ISO 8601, and why; "" where nothing stands.

    That is where the window of the look began that was the first to say so. Harm is seen in outcomes, which are looked
    at when they are due.

    Examples
    --------
    >>> from millrace.records.monitoring import Alarm
    >>> moved = Alarm("drift", "x", "ks", 0.3, "x moved")
    >>> decision = Decision("retrain", "x moved.", (moved,), since="2026-05-03T12:00:00+00:00")
    >>> began(decision, MonitorSettings(window="1 day"))
    ('2026-05-02T12:00:00+00:00', 'in what came since then, drift was first seen 2026-05-03 12:00')
    """
    kinds = {alarm.kind for alarm in decision.alarms}
    if decision.decision != "retrain" or not decision.since:
        return "", "neither drift nor harm stands"
    harmed = bool(kinds & HARMS)
    since, back = datetime.fromisoformat(decision.since), settings.window + harmed * settings.maturity
    why = f"in what came since then, {'harm' if harmed else 'drift'} was first seen {since:%Y-%m-%d %H:%M}"
    return (since - timedelta(seconds=back)).isoformat(), why
