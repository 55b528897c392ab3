"""`millrace up`: everything that a project does by itself, in one process, until it is told to stop."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from millrace.config.references import parse_reference
from millrace.engine.stopping import told_to_stop
from millrace.errors import MillraceError
from millrace.ingest.expectations import hold
from millrace.ingest.following import quietly
from millrace.lifecycle import Site, champion, ingest, new_run
from millrace.records.ingestion import Ingested
from millrace.records.monitoring import Decision
from millrace.records.progress import Step, Watch
from millrace.records.run import Run
from millrace.records.turning import JobState, WheelStatus
from millrace.store.tables import Table
from millrace.wheel.acting import Recorded, act, first, rests_until, unrecorded
from millrace.wheel.alone import alone
from millrace.wheel.board import Board, last_written
from millrace.wheel.page import Gate, answering
from millrace.wheel.serving import Serve, Serving
from millrace.wheel.turning import Job, Stopped, Wheel
from millrace.wheel.watching import tell

#: Something that may pass by itself is told to people when it failed so many times in a row: after minutes.
_PATIENCE = 5


def up(site: Site, serve: Serve, *, by: str, recorded: Recorded, told: Callable[[JobState], None]) -> None:
    """Keep the wheel turning until SIGTERM or SIGINT; raise `UsageError` when another process does so.

    What is due is done in order, one thing at a time: ingest, look, act. `told` gets the state of each job that has
    news.
    """
    with told_to_stop() as stop, alone(site.store, stop) as holder:
        before = last_written(site.store)
        known = {state.name: state for state in before.jobs} if before else {}
        begun = WheelStatus(site.settings.project, True, holder.host, holder.pid, holder.since, holder.at)
        board = Board(site.store, begun, lambda: _champion(site))
        with _page(site, board), board, _serving(site, serve, board, stop):
            leaving = replace(site, watch=_leaving(site.watch, stop))
            Wheel(jobs(leaving, by=by, recorded=recorded), known, _noting(board, told)).until_told(stop)


def jobs(site: Site, *, by: str, recorded: Recorded = unrecorded) -> list[Job]:
    """What a project does by itself, in order."""
    when, rows_came = site.settings.up, threading.Event()

    def job(name: str, schedule: str, work: Callable[[], str], early: Callable[[], bool] = lambda: False) -> Job:
        return Job(name, schedule, _reported(work), lambda error, times: _tell(site, name, error, times), early)

    def ingesting() -> str:
        said = _ingest(site)
        if said and champion(site) is None:
            rows_came.set()
        return said

    def looking(*, train: bool) -> str:
        rows_came.clear()
        return _look(site, by, recorded, train=train)

    ordered = [
        job("ingest", when.ingest, ingesting),
        job("monitor", when.monitor, lambda: looking(train=when.retrain is None), rows_came.is_set),
    ]
    if when.retrain is not None:
        ordered.append(job("retrain", when.retrain, lambda: looking(train=True)))
    return ordered


def _ingest(site: Site) -> str:
    """Bring what is new in every source into its table; what a source cannot give yet is waited for.

    A source that fails holds up only those that refer to it, whose rows would be refused; then its error is raised.
    """
    quiet = replace(site, settings=quietly(site.settings))
    done: list[Ingested] = []
    said = []
    failed: dict[str, MillraceError | None] = {}
    for name in site.settings.in_order:
        if _parents(site, name) & failed.keys():
            failed[name] = None
            continue
        try:
            done.append(ingest(quiet, name, new_run()))
        except MillraceError as error:
            if error.code == "source.missing":
                said.append(f"{name}: nothing is there yet")
            else:
                failed[name] = error
    for broken in failed.values():
        if broken is not None:
            raise broken
    hold(done)
    said += [
        f"{one.source}: {one.kept:,} rows kept, {one.quarantined:,} refused (version {one.table_version})"
        for one in done
        if one.read
    ]
    return "; ".join(said)


def _parents(site: Site, name: str) -> set[str]:
    """The sources that a source refers to."""
    return {parse_reference(text)[0] for text in site.settings.sources[name].references.values()}


def _look(site: Site, by: str, recorded: Recorded, *, train: bool) -> str:
    """See whether what is served is still right, and act; without a champion, see whether there can be one."""
    if champion(site) is None:
        made = first(site, by=by, recorded=recorded) if train and _rows(site) else None
        return _of_run(made) if made else "waits for the first champion"
    acted = act(site, by=by, train=train and not rests_until(site), recorded=recorded)
    if acted.run is not None:
        return f"{_of_run(acted.run)} ({acted.run.reason})"
    if acted.release is not None:
        return f"{acted.release.kind}: {acted.release.package} {acted.release.version} is champion"
    return f"{acted.decision.decision}: {acted.decision.reason}"


def _rows(site: Site) -> bool:
    """Whether every source has brought rows; before that there is nothing to learn from."""
    return all(Table(site.store, f"tables/{name}").snapshot().number for name in site.settings.in_order)


def _of_run(run: Run) -> str:
    named = f"{run.package.name} {run.package.version}"
    if run.release is not None:
        return f"{named} is champion"
    if run.waits == "stages":
        return f"{named} passed the gate and begins with its first stage"
    if run.waits:
        return f"{named} passed the gate and waits for a person: millrace release promote {run.package.version}"
    return f"{named} did not pass the gate: {'; '.join(run.gate.reasons)}"


def _champion(site: Site) -> str:
    current = champion(site)
    return f"{current.package} {current.version}" if current else ""


def _reported(work: Callable[[], str]) -> Callable[[], str]:
    """What fails by a defect is reported like what fails for a known reason: a wheel's other jobs go on."""

    def guarded() -> str:
        try:
            return work()
        except MillraceError:
            raise
        except Exception as error:
            if os.environ.get("MILLRACE_TRACEBACK") == "1":
                sys.stderr.write(traceback.format_exc())
            seen = f"{type(error).__name__}: {error}"
            raise MillraceError(seen, where="up", code="unexpected", next_step="please report it") from error

    return guarded


def _tell(site: Site, job: str, error: MillraceError, times: int) -> None:
    """Tell people of a job that fails, once per cooldown; of what may pass by itself, not before it lasted."""
    if error.retryable and times < _PATIENCE:
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(MillraceError):  # the job's own failure is what counts, and it is on the board
        tell(site, Decision("fix", f"`millrace up` cannot {job}: {error.seen}", package=job, at=now, since=now))


def _leaving(watch: Watch, stop: threading.Event) -> Watch:
    """A watch that leaves the work between two steps once `stop` is set; an ingest between two batches."""

    def step(one: Step) -> None:
        watch(one)
        if stop.is_set() and (one.stage != "ingest" or one.text.endswith(": acknowledged")):
            raise Stopped

    return step


def _noting(board: Board, told: Callable[[JobState], None]) -> Callable[[tuple[JobState, ...]], None]:
    before: dict[str, tuple[str, str]] = {}

    def note(states: tuple[JobState, ...]) -> None:
        board.note(states)
        for state in states:
            said = (state.said, state.error)
            if state.state != "running" and any(said) and before.get(state.name) != said:
                before[state.name] = said
                told(state)

    return note


@contextmanager
def _page(site: Site, board: Board) -> Iterator[None]:
    """How the wheel stands is answered over HTTP while the block lasts, if the project file says so."""
    if site.settings.up.status is None:
        yield
        return
    gate = Gate(site.store, site.settings.serve.placed(0, site.folder), site.settings.project)
    with answering(site.settings.up.status, board.current, gate) as url:
        board.page(url)
        yield


@contextmanager
def _serving(site: Site, serve: Serve, board: Board, stop: threading.Event) -> Iterator[None]:
    """Predictions are served while the block lasts, if the project file says so."""
    if not site.settings.up.serve:
        yield
        return
    thread = threading.Thread(target=Serving(site, serve, board, stop).run, name="serving")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
