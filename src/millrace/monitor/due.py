"""Whether it is time to train again: what was decided, and how old the champion is, against `retrain.when`."""

from __future__ import annotations

from datetime import datetime, timedelta

from millrace.config.schema import RetrainSettings
from millrace.config.triggers import parse_trigger
from millrace.records.monitoring import HARMS, Decision


def due(settings: RetrainSettings, decision: Decision, released: str) -> str | None:
    """Why to train now; None when there is no reason that the project file admits.

    `released` is when the champion became it, as ISO 8601. An interval is a floor: it does not wait for an alarm. While
    what arrives is broken, nothing is trained on it, however old the champion is; a slow or failing
    service does not hinder it. Harm is no reason where the loss expected of it is less than a retraining costs.

    Examples
    --------
    >>> old = "2026-04-01T00:00:00+00:00"
    >>> calm = Decision("keep", "Nothing moved.", at="2026-05-03T00:00:00+00:00")
    >>> due(RetrainSettings(when=("30 days",)), calm, old)
    'The champion is 32 days old; `retrain.when` says 30 days.'
    """
    kinds = {alarm.kind for alarm in decision.alarms}
    if decision.decision == "fix" and kinds - HARMS != {"kpi"}:
        return None
    worth = decision.stake is None or decision.stake.worth
    harmed, drifted = worth and bool(kinds & HARMS), bool(kinds - HARMS - {"kpi"})
    age = datetime.fromisoformat(decision.at) - datetime.fromisoformat(released)
    for text in settings.when:
        trigger = parse_trigger(text)
        if isinstance(trigger, float):
            if age >= timedelta(seconds=trigger):
                return f"The champion is {age.days} days old; `retrain.when` says {text.strip()}."
        elif decision.decision == "retrain" and (harmed if trigger == "harm" else drifted):
            return decision.reason
    return None
