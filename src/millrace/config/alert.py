"""Who is told when something must be done, as a line of `monitor.alert` says it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from millrace.config.refusal import must_parse
from millrace.config.units import seconds
from millrace.errors import ProjectFileError

#: The key beside the kind of notifier: how long somebody else has to take the matter on.
AFTER = "after"


def after(line: dict[str, Any]) -> float:
    """How many seconds a line waits. Raises `ProjectFileError` where it names no kind of notifier, or more than one.

    Examples
    --------
    >>> after({"slack": "https://hooks.slack.com/services/T/B/x", "after": "4 hours"})
    14400.0
    """
    if len(line.keys() - {AFTER}) != 1:
        seen = f"This line names {len(line.keys() - {AFTER})} kinds of notifiers."
        raise ProjectFileError(seen, code="config.value", allowed=["one, such as `slack: URL`, and `after: 4 hours`"])
    return float(str(seconds(line.get(AFTER, 0))))


#: One way to people: the kind of notifier, and its target. Which kinds there are is known where they are opened.
Alert = Annotated[dict[str, str | float | dict[str, Any]], Field(min_length=1, max_length=2), must_parse(after)]
