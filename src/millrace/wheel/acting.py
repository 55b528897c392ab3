"""Acting on what monitoring decides: roll back, train again, or the first run of all.

Whatever dies in between, what was begun is either as if it never was, or taken up: a run that passed the gate is on
record before its release is, and the next look concludes it instead of training anew.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

from millrace.lifecycle import Site, champion, conclude, run
from millrace.monitor.due import due
from millrace.records.message import Message
from millrace.records.release import Release
from millrace.records.retrained import Retrained
from millrace.records.run import Run, Waits
from millrace.records.window import Window
from millrace.store import runs
from millrace.store.audited import identify
from millrace.store.objects import Store
from millrace.wheel.stages import is_tried, retreated, step
from millrace.wheel.watching import watch_over
from millrace.wheel.window import window

#: Puts what happens inside on record as done by a verb, with the ids that are put into the dict.
Recorded = Callable[[str], AbstractContextManager[dict[str, object]]]


def unrecorded(_: str) -> AbstractContextManager[dict[str, object]]:
    """For whoever records around the whole."""
    return nullcontext({})


def act(site: Site, *, by: str, force: bool = False, train: bool = True, recorded: Recorded = unrecorded) -> Retrained:
    """Act on what monitoring decides, as the section `retrain` allows, through the gate; with `force`, train anyway.

    With `retrain.approval`, what passes the gate waits for a person, who is told. Without `train` a roll back is all
    that is done.
    """
    concluded = take_up(site, by=by)
    decision = watch_over(site)
    if force:
        done = run(site, by=by, reason=decision.reason, window=window(site.settings, decision))
        return Retrained(decision, done, done.release)
    if concluded:
        return Retrained(decision, None, concluded)
    if decision.decision == "roll back":
        from millrace.release.stage import rollback

        evidence = {"alarms": [alarm.evidence for alarm in decision.alarms]}
        with recorded("rollback") as ids:
            back = rollback(site.store, by=by, reason=decision.reason, evidence=evidence)
            ids.update(identify(back))
        return Retrained(decision, None, back)
    current = champion(site)
    reason = due(site.settings.retrain, decision, current.at if current else decision.at)
    if not train or reason is None or _on_its_way(site):
        return Retrained(decision, None, None)
    done = _run(site, by, reason, recorded, window(site.settings, decision))
    return Retrained(decision, done, done.release)


def first(site: Site, *, by: str, recorded: Recorded = unrecorded) -> Run | None:
    """The first run of a project that has no champion yet; None while the last attempt is too young."""
    if take_up(site, by=by) or rests_until(site):
        return None
    return _run(site, by, "the first run", recorded)


def take_up(site: Site, *, by: str) -> Release | None:
    """Conclude what the newest run that waits does so for, after its process died or to remind a person.

    A change of champion since a run began settles it: then it waits for nothing. A later run that came to nothing,
    such as one that was forced, leaves what an earlier one began on its way.
    """
    current, still, concluded = champion(site), [], None
    for ended in runs.waiting(site.store):
        own = current is not None and _of(current, ended)
        if not own and (current is None or datetime.fromisoformat(current.at) <= ended.began):
            still.append(ended)
            continue
        runs.settle(site.store, ended.run, current if own else None)
        concluded = current if own and ended.waits == "release" else concluded
    return _go_on(site, still[-1], by) if still else concluded


def _go_on(site: Site, ended: runs.Outline, by: str) -> Release | None:
    if ended.waits == "stages":
        return step(site, ended, by=by)
    if ended.waits == "release":
        return conclude(site, ended, by)
    if not retreated(site, ended, by=by):
        _ask(site, ended)
    return None


def _on_its_way(site: Site) -> bool:
    """Whether a challenger goes through its stages, or holds its part of the traffic until a person decides."""
    return any(one.waits == "stages" or is_tried(site, one) for one in runs.waiting(site.store))


def _of(release: Release, ended: runs.Outline) -> bool:
    """Whether `release` is what the run waited for."""
    same = (release.package, release.version) == (ended.package.name, ended.package.version)
    return release.kind == "promote" and same


def evidence_of(store: Store, version: int) -> dict[str, object]:
    """What a person goes by who promotes the package that waits for approval; nothing for another one."""
    for ended in runs.waiting(store):
        if ended.waits == "approval" and ended.package.version == version:
            return {"gate": list(ended.gate.reasons), "run": ended.run, "because": ended.reason}
    return {}


def rests_until(site: Site) -> datetime | None:
    """Until when nothing is trained by itself, because something just was; None when nothing was."""
    last = runs.newest(site.store)
    until = last.began + timedelta(seconds=site.settings.retrain.cooldown) if last else None
    return until if until and datetime.now(UTC) < until else None


def _run(site: Site, by: str, reason: str, recorded: Recorded, asked: Window | None = None) -> Run:
    settings = site.settings.retrain
    then: Waits = "approval" if settings.approval == "required" else "release"
    if settings.stages and champion(site) is not None:
        then = "stages"
    with recorded("run") as ids:
        done = run(site, by=by, reason=reason, then=then, window=asked)
        ids.update(identify(done))
    if done.waits:
        take_up(site, by=by)
    return done


def _ask(site: Site, ended: runs.Outline) -> None:
    """Tell people of a package that passed the gate and waits for one of them; once per cooldown."""
    from millrace.notify.outbox import deliver, post
    from millrace.notify.registry import receivers

    opened = receivers(site.settings.monitor.alert)
    if not opened:
        return
    now, package = datetime.now(UTC), ended.package
    asked = Message(
        identity="",
        project=site.settings.project,
        decision="approve",
        what=f"{package.name} {package.version} passed the gate and waits for a person. Reason: {ended.reason}",
        since=ended.began.isoformat(timespec="seconds"),
        at=now.isoformat(timespec="seconds"),
        rows=0,
        package=package.name,
        version=package.version,
        evidence=ended.gate.reasons,
        command=f"millrace release promote {package.version}",
    )
    post(site.store, asked, opened, cooldown=site.settings.monitor.cooldown)
    deliver(site.store, opened, now)
