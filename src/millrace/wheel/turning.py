"""The turning itself: jobs that are due are done, one at a time; what became of each is written down.

What a job does must be safe to be cut off anywhere and to be done again; here is only known when. A job that ended
well is not done again before it is due, also by a process that was started anew. One that failed is tried again after
a pause that doubles, and hinders no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import perf_counter

from millrace.config.schedules import parse_schedule
from millrace.errors import MillraceError
from millrace.records.turning import JobState

#: The pause after a first failure in seconds, doubled after each further one, up to `_LONGEST`.
_PAUSE, _LONGEST = 5.0, 3600.0
#: Nobody waits longer than this for a schedule to be looked at again: clocks are set, machines sleep.
_GLANCE = 1.0


class Stopped(BaseException):
    """Leaves a job between two of its steps, when the process was told to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that happens by itself: its name, its schedule as written, and what it does.

    `work` says what came of it, or nothing when there is no news.
    `failed` gets each `MillraceError`, and how many there were in a row. It is done before it is due when `early` says
    so.
    """

    name: str
    schedule: str
    work: Callable[[], str]
    failed: Callable[[MillraceError, int], None] = lambda _, __: None
    early: Callable[[], bool] = lambda: False


class Wheel:
    """Jobs in order, and how each stands.

    Parameters
    ----------
    known
        How the jobs stood when they were written down last, by name.
    note
        Called with all states whenever one changed.

    Examples
    --------
    >>> said = []
    >>> wheel = Wheel([Job("greet", "1 min", lambda: said.append("hello") or "greeted")], {}, lambda states: None)
    >>> noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    >>> [wheel.turn(noon + timedelta(seconds=after)) for after in (0, 30, 60)]
    [['greet'], [], ['greet']]
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        known: Mapping[str, JobState],
        note: Callable[[tuple[JobState, ...]], None],
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._note = note
        self._started: datetime | None = None
        self.states = {job.name: _taken_up(job, known.get(job.name)) for job in jobs}

    def turn(self, now: datetime | None = None) -> list[str]:
        """Do what is due at `now` (aware; default: this moment), in order; give the names of what was done."""
        moment = now or datetime.now(UTC)
        self._started = self._started or moment
        done = []
        for name in self._jobs:
            if self._due(name, self._started) <= moment or self._jobs[name].early():
                self._do(name, moment)
                done.append(name)
        return done

    def until_told(self, stop: threading.Event) -> None:
        """Turn until `stop` is set; a job that is being done is left between two of its steps."""
        while not stop.is_set():
            try:
                self.turn()
            except Stopped:
                return
            stop.wait(_GLANCE / 4)

    def _due(self, name: str, started: datetime) -> datetime:
        state = self.states[name]
        if state.failures:
            return datetime.fromisoformat(state.due)
        last = datetime.fromisoformat(state.last) if state.last else None
        return parse_schedule(self._jobs[name].schedule).following(last, started)

    def _do(self, name: str, moment: datetime) -> None:
        before, start = self.states[name], perf_counter()
        self._put(replace(before, state="running", due=""))
        try:
            said = self._jobs[name].work()
        except MillraceError as error:
            self._put(self._failed(before, error, moment))
            self._jobs[name].failed(error, self.states[name].failures)
        except Stopped:
            self._put(before)
            raise
        else:
            done = JobState(name, before.schedule, last=moment.isoformat(), said=said or before.said)
            self.states[name] = done
            due = self._due(name, self._started or moment).isoformat(timespec="seconds")
            self._put(replace(done, seconds=round(perf_counter() - start, 3), due=due))

    def _failed(self, before: JobState, error: MillraceError, moment: datetime) -> JobState:
        pause = min(_PAUSE * 2 ** min(before.failures, 20), _LONGEST)
        due = (moment + timedelta(seconds=pause)).isoformat()
        return replace(before, state="failing", failures=before.failures + 1, error=_told(error), due=due)

    def _put(self, state: JobState) -> None:
        self.states[state.name] = state
        self._note(tuple(self.states.values()))


def _told(error: MillraceError) -> str:
    """Where it failed, why, and what a person can do."""
    where = f"{error.where}: " if error.where else ""
    return f"{where}{error.seen}{f' Next: {error.next_step}' if error.next_step else ''}"


def _taken_up(job: Job, known: JobState | None) -> JobState:
    """How a job stands for a process that just started: what failed before is tried at once."""
    if known is None or known.schedule != job.schedule:
        known = replace(known, schedule=job.schedule) if known else JobState(job.name, job.schedule)
    return replace(known, state="waiting", failures=0, error="", due="")
