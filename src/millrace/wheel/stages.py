"""A challenger's way to all of the traffic: stage by stage, each held for a while, with a retreat when it does harm.

Where it stands is read from the traffic log, whose entries are created if absent: whoever takes over after a death goes
on from the same stage, and enters none twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from millrace.config.stages import parse_stage
from millrace.errors import ReleaseError
from millrace.lifecycle import Site, champion, conclude
from millrace.records.release import Release
from millrace.records.traffic import Challenger, Shadow, Traffic, Trial
from millrace.release.traffic import OVERTAKEN, challenge, listen, outcome_of, stop
from millrace.release.trial import standing
from millrace.store import runs, traffic
from millrace.store.integrity import read_manifest


def step(site: Site, ended: runs.Outline, *, by: str) -> Release | None:
    """Take the package of a run one stage further when its time has come; give the release that ends the way.

    It retreats, for good, as soon as it is surely worse than the champion by the outcomes of its own traffic. It goes
    on once it was held for `retrain.hold`, or at once from a challenger's stage to a release when it is surely better.
    What somebody tries by hand meanwhile is left alone, and waited for.
    """
    version, current = ended.package.version, champion(site)
    if current is None or not site.settings.retrain.stages:  # taken out of the project file meanwhile
        return conclude(site, ended, by)
    tried = traffic.current(site.store, current)
    if tried is None and _was_tried(site, current, version):  # it was stopped: by a retreat, or by hand
        runs.settle(site.store, ended.run, None)
        return None
    if tried is None:
        _enter(site, current, ended, 0, by, ended.reason)
        return None
    if version not in _versions(tried):
        return None
    return _further(site, current, ended, tried, by)


def is_tried(site: Site, ended: runs.Outline) -> bool:
    """Whether the package of a run is tried beside the champion now."""
    current = champion(site)
    tried = traffic.current(site.store, current) if current else None
    return tried is not None and ended.package.version in _versions(tried)


def retreated(site: Site, ended: runs.Outline, *, by: str) -> bool:
    """Whether the package of a run, tried while a person is asked, is surely worse: then it is tried no longer."""
    return is_tried(site, ended) and _retreats(site, ended, _trial(site, ended), by)


def _further(site: Site, current: Release, ended: runs.Outline, tried: Traffic, by: str) -> Release | None:
    """Retreat, go on, or wait, by how the trial stands."""
    settings = site.settings.retrain
    place, held = _place(tried, settings.stages), _held(tried, settings.hold)
    trial = _trial(site, ended)
    if _retreats(site, ended, trial, by):
        return None
    better = trial is not None and trial.role == "challenger" and trial.verdict == "better"
    if better or (held and place == len(settings.stages) - 1):
        return _finish(site, ended, trial, by)
    if held:
        _enter(site, current, ended, place + 1, by, trial.words if trial else "held")
    return None


def _trial(site: Site, ended: runs.Outline) -> Trial | None:
    return next((one for one in standing(site.store).trials if one.other.version == ended.package.version), None)


def _retreats(site: Site, ended: runs.Outline, trial: Trial | None, by: str) -> bool:
    if trial is None or trial.verdict != "worse":
        return False
    stop(site.store, "all", by=by, reason=f"Retreat: {trial.words}")
    runs.settle(site.store, ended.run, None)
    return True


def _finish(site: Site, ended: runs.Outline, trial: Trial | None, by: str) -> Release | None:
    """All of the traffic, with what its stages showed as evidence; or the question whether a person agrees."""
    if site.settings.retrain.approval == "required":
        runs.settle(site.store, ended.run, None, "approval")
        return None
    told = [trial.words] if trial is not None else []
    return conclude(site, ended, by, stages=[*site.settings.retrain.stages, *told])


def _enter(site: Site, current: Release, ended: runs.Outline, place: int, by: str, reason: str) -> None:
    """Begin a stage beside the champion `current`, or none when it is no longer. Nothing goes on at another stage."""
    part, version = parse_stage(site.settings.retrain.stages[place]), ended.package.version
    name = f"Stage {site.settings.retrain.stages[place]}: {reason}"
    try:
        if part is None:
            listen(site.store, Shadow(version, 1.0), by=by, reason=name, beside=current)
            return
        manifest = read_manifest(site.store.at(f"packages/{site.settings.project}/{version}"))
        terms = Challenger(version, part, outcome_of("", manifest.signature), "")
        # In one entry: nothing can die in between.
        challenge(site.store, terms, by=by, reason=name, alone=True, beside=current)
    except ReleaseError as error:
        if error.code != OVERTAKEN:
            raise


def _place(tried: Traffic, stages: tuple[str, ...]) -> int:
    """At which of the stages a trial is: the last one whose part it reaches."""
    part = tried.challenger.weight if tried.challenger else 0.0
    reached = [place for place, text in enumerate(stages) if (parse_stage(text) or 0.0) <= part + 1e-9]
    return max(reached, default=0)


def _was_tried(site: Site, current: Release, version: int) -> bool:
    return any(one.release == current.number and version in _versions(one) for one in traffic.history(site.store))


def _versions(tried: Traffic) -> set[int]:
    return {one.version for one in (tried.challenger, tried.shadow) if one is not None}


def _held(tried: Traffic, hold: float) -> bool:
    since = (tried.challenger or tried.shadow).since  # type: ignore[union-attr]
    return datetime.now(UTC) - datetime.fromisoformat(since) >= timedelta(seconds=hold)
