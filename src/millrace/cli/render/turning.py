"""How the wheel stands, and what it just did."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, table, verdict
from millrace.records.turning import JobState, WheelStatus


def turning(record: WheelStatus) -> RenderableType:
    """Draw who turns the wheel, who is champion and where it answers, and every job."""
    who = f"process {record.pid} of {record.host}, since {_time(record.since)}"
    words = f"{record.project} turns: {who}" if record.running else f"{record.project} does not turn; last: {who}"
    answers = f"answers on {record.url}" if record.url else record.serving
    page = f"status on {record.status_url}" if record.status_url else ""
    about = [f"champion: {record.champion or 'none yet'}", answers, page, f"seen {_time(record.at)}"]
    drawn = table("job", "schedule", "state", "last", "next", "said")
    for job in record.jobs:
        state = f"failing ({job.failures})" if job.failures else job.state
        style = "bold yellow" if job.failures else ""
        said = job.error if job.failures else job.said
        add(drawn, job.name, job.schedule, state, _time(job.last), _time(job.due), said or "-", style=style)
    return Group(verdict(record.running, words), Text(f"  {' · '.join(filter(None, about))}", "dim"), Text(), drawn)


def said(state: JobState) -> str:
    """One line about a job that has news.

    Examples
    --------
    >>> said(JobState("ingest", "5 s", last="2026-05-03T14:00:00+00:00", said="meters: 5 rows kept, 0 refused"))
    '2026-05-03 14:00:00  ingest: meters: 5 rows kept, 0 refused'
    >>> said(JobState("ingest", "5 s", failures=1, due="2026-05-03T14:00:05+00:00", error="No answer."))
    'ingest failed, and is tried again at 2026-05-03 14:00:05: No answer.'
    """
    if state.failures:
        return f"{state.name} failed, and is tried again at {_time(state.due)}: {state.error}"
    return f"{_time(state.last)}  {state.name}: {state.said}"


def _time(text: str) -> str:
    return text[:19].replace("T", " ") if text else "-"
