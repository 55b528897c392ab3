"""A decision in the words that a person acts on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from millrace.records.message import Message
from millrace.records.monitoring import Decision
from millrace.records.spread import Spread

#: The command that carries a decision out.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "keep": "nothing",
        "fix": "mend what the evidence names, then: millrace monitor",
        "retrain": "millrace retrain",
        "roll back": "millrace release rollback",
    }
)
#: Lines of evidence in one message; whoever wants all of them asks `millrace monitor`.
_LINES = 5


def message(decision: Decision, project: str) -> Message:
    """What people are told of `decision`; its identity is given when it is written down.

    Examples
    --------
    >>> print(message(Decision("retrain", "x moved.", package="churn", version=3, rows=900), "churn").title)
    [churn] retrain: churn 3
    """
    lines = [alarm.evidence for alarm in decision.alarms[:_LINES]]
    if len(decision.alarms) > _LINES:
        lines.append(f"and {len(decision.alarms) - _LINES} more: millrace monitor")
    return Message(
        identity="test",
        project=project,
        decision=decision.decision,
        what=decision.reason,
        since=decision.since,
        at=decision.at,
        rows=decision.rows,
        package=decision.package,
        version=decision.version,
        evidence=tuple(lines),
        command=COMMANDS[decision.decision],
        picture=picture(decision),
    )


def picture(decision: Decision) -> Spread | None:
    """How the column that the first alarm of inputs is about is spread, as usual and now."""
    moved = (decision.columns.get(alarm.column or "") for alarm in decision.alarms)
    return next((column.spread for column in moved if column and column.spread), None)
