"""THE MAP: the stages in order, what each takes and gives. Read this first.

    sources ──ingest──▶ Table ──train──▶ Fit ──pack──▶ Package ──gate──▶ Release ──serve──▶ log ──monitor──▶ Decision
       ▲                                                                                                     │
       └──────────────────────────────────────────────── retrain · roll back ────────────────────────────────┘

Each stage lives in the room of its name; this module only hands records from one to the next. What closes the circle,
from the log to a decision and back to training, is in `wheel`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from millrace.config.schema import ProjectSettings
from millrace.engine.base import Engine
from millrace.lineage.openlineage import Events
from millrace.records.checked import Checked
from millrace.records.dataset import Dataset
from millrace.records.evaluation import Difference
from millrace.records.explored import Explored
from millrace.records.fit import Fit
from millrace.records.ingestion import Ingested
from millrace.records.lineage import Lineage
from millrace.records.package import Manifest, PackageInfo
from millrace.records.progress import Step, Watch
from millrace.records.release import GateVerdict, Release
from millrace.records.run import Run, Waits
from millrace.records.signature import Signature
from millrace.records.window import Window
from millrace.store import runs
from millrace.store.objects import Store

if TYPE_CHECKING:
    from millrace.store.trial_book import TrialBook


@dataclass(frozen=True, slots=True)
class Site:
    """What every stage needs: settings, where things rest, where relative paths start, who works, who listens."""

    settings: ProjectSettings
    store: Store
    folder: Path
    engine: Engine
    watch: Watch
    events: Events = field(default_factory=Events)

    def job(self, stage: str) -> str:
        """What a stage of this project is called where it is told of."""
        return f"{self.settings.project}.{stage}"


@dataclass(slots=True)
class Stopwatch:
    """How long each stage took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add what happens inside to `stage`."""
        start = perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + perf_counter() - start, 3)


def new_run() -> str:
    """Give an id that sorts by time and is unique among machines."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run(site: Site, *, then: Waits = "release", by: str, reason: str = "run", window: Window | None = None) -> Run:
    """Take the raw data to a package, and if the gate agrees to what comes `then`: a release, a person, nothing.

    `window` says which rows are learned from and judged; by default all of them.
    """
    identity = new_run()
    with site.events.job(site.job("run"), identity):
        return _run(site, identity, then, by, reason, window)


def _run(site: Site, identity: str, then: Waits, by: str, reason: str, window: Window | None) -> Run:
    from millrace.ingest.expectations import hold
    from millrace.lineage.jobs import packed

    clock, part_of = Stopwatch(), site.job("run")
    with clock.time("ingest"):
        ingested = {name: ingest(site, name, identity, part_of) for name in site.settings.in_order}
    hold(ingested.values())
    with site.events.job(site.job("train"), identity, part_of) as job:
        with clock.time("train"):
            fit, learned_from = learn(site, identity, part_of, window)
        with clock.time("package"):
            manifest, package = pack(site, fit, identity, learned_from)
            trial_book(site, learned_from, window).forget()  # they brought what they were kept for
        site.events.note(packed, job, site.store, learned_from, manifest, package)
    with clock.time("gate"):
        comparison, apart = against_champion(site, fit)
        verdict = gate(site, manifest, comparison, apart)
    with clock.time("report"):
        report = write_report(site, fit, package, ingested, verdict, comparison, learned_from)
    waits = then if verdict.passed else ""
    done = Run(identity, ingested, fit.evaluation, package, verdict, None, report, clock.seconds, learned_from)
    done = replace(done, waits=waits, reason=reason, notes=fit.notes, used=fit.used)
    ended = runs.keep(site.store, done)  # a release that follows never lacks its run, whatever dies in between
    return done if waits != "release" else replace(done, waits="", release=conclude(site, ended, by))


def conclude(site: Site, ended: runs.Outline, by: str, *, stages: Sequence[str] = ()) -> Release:
    """A run that waits for its release → champion, after the `stages` that it came through."""
    evidence: dict[str, object] = {"gate": list(ended.gate.reasons), "run": ended.run}
    if stages:
        evidence["stages"] = list(stages)
    released = promote(site, ended.package, by=by, reason=ended.reason, evidence=evidence)
    for one in runs.waiting(site.store):  # whatever else waits was to come beside the champion before, or after it
        runs.settle(site.store, one.run, released if one.run == ended.run else None)
    return released


def check(site: Site) -> Checked:
    """The project file → whether its sources are there and have what the model needs; nothing is written."""
    from millrace.ingest.changes import column_changes, hold_rules
    from millrace.ingest.mapping import with_tables
    from millrace.ingest.personal import ready
    from millrace.ingest.references import unknown_columns
    from millrace.monitor.detectors.registry import detector
    from millrace.notify.registry import receivers
    from millrace.sources import open_source

    settings = site.settings
    ready(settings.sources)
    receivers(settings.monitor.alert)
    for name in settings.monitor.detectors:
        detector(name)
    problems, changes = [], []
    columns: dict[str, tuple[str, ...]] = {}
    for name, source in settings.sources.items():
        mapped = with_tables(name, source, site.folder)
        opened = open_source(name, mapped, site.folder)
        columns[name] = tuple(opened.schema())
        hold_rules(name, mapped, opened, site.store)
        taken, frozen = column_changes(name, source, site.store, site.folder)
        changes += taken
        problems += frozen
    problems += unknown_columns(settings.sources, columns)
    if settings.dataset is None and not any(settings.model.predict in one for one in columns.values()):
        there = ", ".join(dict.fromkeys(column for one in columns.values() for column in one))
        problems.append(
            f"model.predict: no source has a column `{settings.model.predict}`; there are: {there or 'none'}"
        )
    return Checked(settings.project, tuple(settings.sources), tuple(problems), tuple(changes))


def ingest(site: Site, source: str, identity: str, part_of: str | None = None) -> Ingested:
    """Source → table and quarantine, exactly once."""
    from millrace.ingest.personal import ready
    from millrace.ingest.stage import ingest as stage
    from millrace.lineage.jobs import ingested

    ready(site.settings.sources)  # a key that is missing for the last source stops the first one too
    settings = site.settings.sources[source]
    with site.events.job(site.job(f"ingest.{source}"), identity, part_of) as job:
        try:
            return stage(source, settings, site.store, site.folder, identity, site.watch, engine=site.engine)
        finally:
            site.events.note(ingested, job, site.store, source, identity, site.folder, settings.checks)


def explore(site: Site, since: int | None = None) -> Explored:
    """Tables → a report on what they hold, and on what changed with the newest ingest, or since a version."""
    from millrace.explore.report import Changed
    from millrace.explore.report import explore as stage
    from millrace.ingest.dataset import by_file, dataset, newest
    from millrace.store.datasets import read

    settings = site.settings
    frame, learned_from = dataset(settings, site.store)
    if since is None:
        parts = newest(settings, site.store)
        changed = Changed(*parts) if parts else None
    else:
        then = read(site.store, replace(learned_from, version=since))
        changed = Changed(then, frame, f"The rows of now against those of version {since}.")
    html, said = stage(
        frame,
        title=settings.project,
        target=settings.model.predict if settings.model.predict in frame.columns else None,
        changed=changed,
        tell=lambda text: site.watch(Step("explore", text)),
        files=by_file(settings, site.store),
        known=[sql for source in settings.sources.values() for sql in source.checks.values()],
    )
    key = f"reports/{settings.project}-data.html"
    site.store.write(key, html.encode())
    return Explored(site.store.at(key), frame.height, frame.width, said)


def lineage(site: Site, what: str | None = None) -> Lineage:
    """Receipts, manifests, runs and releases → what came from what."""
    from millrace.lineage.ask import ask
    from millrace.lineage.graph import gather

    return ask(gather(site.store, site.settings.sources, site.settings.project), what)


def learn(site: Site, identity: str, part_of: str | None = None, window: Window | None = None) -> tuple[Fit, Dataset]:
    """Tables → fit, with the version of the dataset it was learned from."""
    from millrace.engine.clock import Clock
    from millrace.evaluate.charts.rehearsal import rehearsal
    from millrace.ingest.dataset import dataset
    from millrace.lineage.jobs import learned
    from millrace.package.footprint import footprint
    from millrace.train.stage import train

    clock = Clock(site.settings.model.budget, site.watch, rehearsal)
    site.watch(Step("train", "reading the tables"))
    with site.events.job(site.job("dataset"), identity, part_of) as job:
        frame, learned_from = dataset(site.settings, site.store)
        site.events.note(learned, job, site.store, learned_from, (site.settings.dataset or {}).get("sql"))
    book = trial_book(site, learned_from, window)
    return train(frame, site.settings.model, site.watch, book, clock, footprint, window), learned_from


def trial_book(site: Site, learned_from: Dataset, window: Window | None) -> TrialBook:
    """Where the trials of a training are written down: by what it learns from, how, and with which libraries."""
    from importlib.metadata import version

    from millrace.store.trial_book import TrialBook

    decided_by = {
        "dataset": [learned_from.key, learned_from.version, learned_from.sql, learned_from.rows],
        "rows": window,
        "model": site.settings.model.model_dump(mode="json", exclude={"gate"}),
        "libraries": [version(library) for library in ("millrace", "lightgbm", "scikit-learn", "numpy")],
    }
    return TrialBook(site.store, decided_by)


def pack(site: Site, fit: Fit, identity: str, learned_from: Dataset) -> tuple[Manifest, PackageInfo]:
    """Fit → package: one graph, proved to give the fit's answers."""
    from millrace.package.commit import commit_of
    from millrace.package.stage import pack as stage
    from millrace.profile.build import profile
    from millrace.profile.file import encode

    reference = encode(profile(fit.train_rows, fit.signature, answer=fit.answer))
    stated = {"key": learned_from.key, "version": learned_from.version, "rows": learned_from.rows}
    dataset = stated | ({"sql": learned_from.sql} if learned_from.sql else {})
    lineage: dict[str, object] = {
        "tables": dict(learned_from.tables),
        "dataset": dataset,
        "project": _digest(site.settings),
    }
    if fit.used is not None:
        lineage["rows"] = asdict(fit.used)
    if commit := commit_of(site.folder):
        lineage["commit"] = commit
    return stage(
        fit,
        site.store,
        name=site.settings.project,
        run=identity,
        lineage=lineage,
        profile=reference,
        watch=site.watch,
    )


def against_champion(site: Site, fit: Fit) -> tuple[Difference | None, str]:
    """Fit minus champion on the rows the fit never saw; without one, why the champion there is cannot answer them."""
    import numpy as np

    from millrace.evaluate.judge import compare
    from millrace.package.api import Package

    current = champion(site)
    if current is None:
        return None, ""
    reference = Package.load(site.store.at(f"packages/{current.package}/{current.version}"))
    if apart := _apart(reference.signature, fit):
        return None, apart
    theirs = reference.answer(fit.test_rows).in_order(reference.signature.classes, fit.signature.classes)
    costs = np.array(fit.costs) if fit.costs else None
    return compare(fit.truth(), fit.answer, theirs, fit.signature, fit.evaluation.primary, costs=costs), ""


def _apart(theirs: Signature, fit: Fit) -> str:
    """Why a package cannot answer the rows that judge the fit; empty where it can."""
    if set(theirs.classes) != set(fit.signature.classes):
        return "the champion tells other classes apart"
    missing = next((one.name for one in theirs.inputs if one.name not in fit.test_rows.columns), None)
    return "" if missing is None else f"the champion needs `{missing}`, which the new model does not see"


def gate(site: Site, manifest: Manifest, comparison: Difference | None, apart: str) -> GateVerdict:
    """Evaluation → yes or no, with a sentence for each condition; `apart` says why there is no comparison."""
    from millrace.release.gate import judge_gate

    return judge_gate(site.settings.model.gate, manifest.evaluation, comparison, apart)


def write_report(
    site: Site,
    fit: Fit,
    package: PackageInfo,
    ingested: Mapping[str, Ingested],
    verdict: GateVerdict,
    comparison: Difference | None,
    learned_from: Dataset,
) -> str:
    """Everything a person wants to see of a run, as one HTML file; give its path."""
    from millrace.evaluate.report import render

    site.watch(Step("report", "drawing the charts"))
    title = f"{package.name} {package.version}"
    page = render(
        fit,
        title=title,
        package=package,
        ingested=ingested,
        gate=verdict,
        comparison=comparison,
        learned_from=learned_from,
    )
    key = f"reports/{package.name}-{package.version}.html"
    site.store.write(key, page.encode())
    return site.store.at(key)


def promote(site: Site, package: PackageInfo, *, by: str, reason: str, evidence: Mapping[str, object]) -> Release:
    """Package → champion."""
    from millrace.release.stage import promote as stage

    return stage(site.store, package, by=by, reason=reason, evidence=evidence)


def champion(site: Site) -> Release | None:
    """Who answers now."""
    from millrace.store.releases import champion as current

    return current(site.store)


def package(site: Site, version: int | None) -> PackageInfo:
    """A version of the package; by default the champion, and while there is none the newest."""
    from millrace.errors import ReleaseError
    from millrace.store.packages import find, versions

    name = site.settings.project
    if version is None:
        current = champion(site)
        known = versions(site.store, name)
        if current is None and not known:
            raise ReleaseError("There is no package yet.", where=name, code="package.none", next_step="millrace run")
        version = current.version if current else max(known)
    return find(site.store, name, version)


def _digest(settings: ProjectSettings) -> str:
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
