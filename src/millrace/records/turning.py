"""How the wheel stands: what it does by itself, when it did so last, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Written with the status; readers accept every older one.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class JobState:
    """One thing that happens by itself. Times are ISO 8601 in UTC, empty where there is none yet.

    `last` is when it last ended well, `said` what came of it then; `failures` counts those since, `error` is what the
    newest one says. `due` is when it is tried next.
    """

    name: str
    schedule: str
    state: Literal["waiting", "running", "failing"] = "waiting"
    last: str = ""
    seconds: float = 0.0
    said: str = ""
    failures: int = 0
    error: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class WheelStatus:
    """The wheel of a project: who turns it and since when, its jobs, who is champion and where it answers.

    `running` is false once it ended, however it did; `url` is empty while nothing answers. At `status_url` this is
    answered over HTTP, where the project file asks for it.
    """

    project: str
    running: bool
    host: str
    pid: int
    since: str
    at: str
    jobs: tuple[JobState, ...] = ()
    url: str = ""
    serving: str = ""
    champion: str = ""
    status_url: str = ""
    format: int = FORMAT
