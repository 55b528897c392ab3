"""From the prediction log to a decision: keep, fix, retrain or roll back, with evidence. It starts nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from millrace.config.schema import MonitorSettings
from millrace.monitor import kpis, look, spending
from millrace.monitor.errors_in_order import detect
from millrace.monitor.history import history
from millrace.monitor.learning import learn
from millrace.monitor.performance import Known, harm, known, mature, newest_window, performance, strange, whole
from millrace.monitor.spending import MOST, WITHOUT_LABELS, Spent
from millrace.profile.build import profile
from millrace.profile.drift import MARGIN, drift
from millrace.records.monitoring import HARMS, Alarm, ColumnDrift, Decision, Indicator
from millrace.records.package import Manifest
from millrace.records.profile import LABEL, PROBABILITY, VALUE, Profile
from millrace.records.release import Release
from millrace.store import releases
from millrace.store.objects import Store

if TYPE_CHECKING:
    import polars as pl

#: The share of a column from which it is a fault of the source and no change of the world.
_MOSTLY = 0.5


def monitor(
    store: Store,
    settings: MonitorSettings,
    manifest: Manifest,
    reference: Profile,
    predictions: pl.DataFrame,
    feedback: pl.DataFrame,
    service: pl.DataFrame | None = None,
) -> Decision:
    """What to do about the package of `manifest`, from its predictions and what turned out true.

    Drift is judged on the newest `settings.window` (or on all rows since the release, when the window holds fewer
    than `look.MINIMUM_ROWS`) and on the eight newest windows together, harm on the outcomes of predictions older than
    `settings.maturity`: on all of them since the release, and on those of the newest window. What `settings.detectors`
    say of the errors in their order counts as harm too. Harm leads to a roll back when it was there from the release
    on and there is a champion to go back to, to retraining otherwise; so does drift.
    An indicator of `settings.kpis` that is out of bounds asks for a fix, unless one of the former asks for more.
    Inputs that are broken come before all: most of a column's values gone, or unlike any the model was trained on.

    The budget of false alarms is spent by what is new, not by looks (`monitor.spending`): however often this is called,
    the promise holds, for all checks of all columns together. How rows depend on those before them is learned from
    the first windows (`monitor.learning`). What the last look took rests in the store.

    Parameters
    ----------
    predictions, feedback, service
        The tables of the log, as `store.prediction_log` gives them; `service` None when no server counted.
    reference
        The profile in the package.

    Raises
    ------
    ReleaseError
        When the release log is damaged.
    """
    past = releases.history(store)
    rows = look.own(predictions, manifest, past[-1] if past else None)
    recent = look.newest(rows, settings.window)
    now = datetime.now(UTC)
    held = _held(settings, manifest, past, rows, service, now)
    decision = Decision(
        decision="keep",
        reason=f"Not enough rows yet: {recent.height} of the {look.MINIMUM_ROWS} that a look needs.",
        alarms=tuple(kpis.alarms(held)),
        rows=recent.height,
        package=manifest.name,
        version=manifest.version,
        at=now.isoformat(timespec="seconds"),
        kpis=held,
    )
    if recent.height < look.MINIMUM_ROWS:
        return _serve_better(decision)
    due = mature(rows, now, settings.maturity)
    outcomes = known(whole(due, reference, manifest.signature), feedback, manifest.signature)
    newest = newest_window(due, outcomes, settings.window)
    columns, harmed = _look(store, settings, manifest, reference, (rows, recent), (outcomes, newest))
    detected = detect(settings.detectors, outcomes, manifest, settings.window)
    stranger = strange(outcomes, manifest.signature.target)
    moved = tuple(alarm for column in columns.values() for alarm in column.alarms)
    alarms = (*filter(None, (harmed, *detected, stranger)), *moved)
    measured = performance(due, newest, manifest)
    decision = replace(decision, alarms=(*alarms, *decision.alarms), columns=columns, performance=measured)
    broken = _broken(columns, reference)
    if broken:
        reason = f"What arrives is broken, and training on it would teach the fault: {broken[0].evidence}."
        return replace(decision, decision="fix", reason=reason)
    if harmed and _can_go_back(store, past, manifest) and _from_the_start(outcomes, manifest):
        reason = f"Worse than promised ever since its release: {harmed.evidence}."
        return replace(decision, decision="roll back", reason=reason)
    if alarms:
        return replace(decision, decision="retrain", reason=_why(alarms, columns))
    return _serve_better(replace(decision, reason=_calm(columns, recent.height)))


def _held(
    settings: MonitorSettings,
    manifest: Manifest,
    past: tuple[Release, ...],
    rows: pl.DataFrame,
    service: pl.DataFrame | None,
    now: datetime,
) -> tuple[Indicator, ...]:
    """What the service is held to, against what it did since this package's release, or its first prediction."""
    if not settings.kpis:
        return ()
    counted = look.own(service, manifest, past[-1] if past else None) if service is not None else kpis.nothing()
    starts = [frame["at"][0] for frame in (rows, counted) if frame.height]
    if past and (past[-1].package, past[-1].version) == (manifest.name, manifest.version):
        starts = [datetime.fromisoformat(past[-1].at)]
    if not starts:
        return ()
    log = kpis.Log(rows, counted, manifest.signature, min(starts), now)
    return kpis.indicators(settings.kpis, log, settings.window)


def _serve_better(decision: Decision) -> Decision:
    """Ask for a fix where nothing but the service is at fault."""
    if not decision.alarms:
        return decision
    return replace(
        decision, decision="fix", reason=f"The service is not what it should be: {decision.alarms[0].evidence}."
    )


def _look(
    store: Store,
    settings: MonitorSettings,
    manifest: Manifest,
    reference: Profile,
    served: tuple[pl.DataFrame, pl.DataFrame],
    known_of: tuple[Known, Known],
) -> tuple[dict[str, ColumnDrift], Alarm | None]:
    """Drift and harm at the level this look may take, half of it each; what it took goes on record.

    `served` are all rows of the package, and those of this look; `known_of` all outcomes that are due, and those of
    the newest window.
    """
    (rows, recent), (outcomes, window) = served, known_of
    before = spending.last(store, manifest.name, manifest.version)
    newest, seen = recent["at"][-1], before and datetime.fromisoformat(before.newest)
    reported = before and before.reported and datetime.fromisoformat(before.reported)
    fresh = max(look.after(recent["at"], seen or None), look.after(window.reported, reported or None))
    level, balance = spending.take(settings, before, newest, fresh)
    count = _counting(manifest, reference)
    dependence, learned = learn(rows, recent, settings.window, before, count)
    level *= 1 - WITHOUT_LABELS  # the rest is what the test without labels takes
    more = look.longer(rows, recent, settings.window)
    columns = drift(reference, count(recent), level / 2, dependence, more if more is None else count(more))
    harmed = harm(outcomes, manifest, level / 4) or harm(window, manifest, level / 4)
    if before is not None and before.standing(newest, settings.window):
        columns |= {name: column for name, column in before.columns.items() if not columns[name].alarmed}
        harmed = harmed or before.harm
    alarming = {name: column for name, column in columns.items() if column.alarmed}
    latest = outcomes.reported.max()
    spent = Spent(
        newest=newest.isoformat(),
        level=level,
        balance=balance,
        reported=latest.isoformat() if isinstance(latest, datetime) else "",
        dependence=dependence if learned else {},
        learned=learned,
    )
    if alarming or harmed:
        spent = replace(spent, alarmed=spent.newest, columns=alarming, harm=harmed)
    elif before is not None:
        spent = replace(spent, alarmed=before.alarmed, columns=before.columns, harm=before.harm)
    spending.keep(store, manifest.name, manifest.version, spent)
    return _ranked(columns, manifest), harmed


def _counting(manifest: Manifest, reference: Profile) -> Callable[[pl.DataFrame], Profile]:
    """What makes the profile of served rows, in the cells of `reference`."""
    signature = manifest.signature

    def count(rows: pl.DataFrame) -> Profile:
        return profile(look.inputs(rows, signature), signature, reference, answer=look.answer(rows, signature))

    return count


def _ranked(columns: Mapping[str, ColumnDrift], manifest: Manifest) -> dict[str, ColumnDrift]:
    """Alarmed columns first, inputs before what the model made of them, then by effect; equals by importance."""
    importances = manifest.evaluation.importances

    def rank(column: ColumnDrift) -> tuple[bool, bool, float, float]:
        importance = importances[column.column].value if column.column in importances else 0.0
        said = column.column in {LABEL, PROBABILITY, VALUE}
        return (not column.alarmed, said, -round(column.effect, 2), -importance)

    return {column.column: column for column in sorted(columns.values(), key=rank)}


def _broken(columns: Mapping[str, ColumnDrift], reference: Profile) -> tuple[Alarm, ...]:
    """The alarms about inputs of which most values are gone that used to be there, or are none that the model knows."""
    inputs = (column for column in columns.values() if column.column not in {LABEL, PROBABILITY, VALUE})
    found = []
    for column in inputs:
        known = reference.columns[column.column]
        usual = {"missing": known.missing / max(known.rows, 1), "unseen": 0.0, "range": 0.0}
        found += [one for one in column.alarms if one.kind in usual and one.value - usual[one.kind] > _MOSTLY]
    return tuple(found)


def _can_go_back(store: Store, past: tuple[Release, ...], manifest: Manifest) -> bool:
    """Whether the champion before is worth going back to: the last that was said of it is no harm of its own.

    A champion that a rollback reinstated is not left for one further back: it was right once, so the world moved.
    """
    standing = releases.standing(past)
    if len(standing) < 2 or past[-1].kind == "rollback":
        return False
    if (standing[-1].package, standing[-1].version) != (manifest.name, manifest.version):
        return False
    before = (standing[-2].package, standing[-2].version)
    said = [one for one in history(store) if (one.package, one.version) == before]
    return not said or not any(alarm.kind in HARMS for alarm in said[-1].alarms)


def _from_the_start(outcomes: Known, manifest: Manifest) -> bool:
    """Whether the first half of the outcomes shows the harm too; when they are too few to halve, all of them did."""
    half = outcomes.truth.size // 2
    return half < look.MINIMUM_ROWS or harm(outcomes.part(half), manifest, MOST) is not None


def _why(alarms: tuple[Alarm, ...], columns: Mapping[str, ColumnDrift]) -> str:
    moved = [column.column for column in columns.values() if column.alarmed]
    if not moved or moved == [alarms[0].column]:
        return f"{alarms[0].evidence}."
    return f"{alarms[0].evidence}. {len(moved)} of {len(columns)} columns moved, first `{moved[0]}`."


def _calm(columns: Mapping[str, ColumnDrift], rows: int) -> str:
    text = f"Nothing moved that matters in {rows:,} rows"
    furthest = max(columns.values(), key=lambda column: column.effect, default=None)
    if furthest is None or not furthest.effect:
        return f"{text}."
    return (
        f"{text}; the furthest column is `{furthest.column}` "
        f"(distance {furthest.effect:.2f}, alarming from {MARGIN} when chance cannot explain it)."
    )
