"""Project: the loaded project file and its store; every CLI verb is one of its methods."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from millrace.config.load import load
from millrace.config.schema import ProjectSettings
from millrace.config.secrets import redaction
from millrace.engine import Engine, open_engine
from millrace.errors import UsageError, nearest
from millrace.lifecycle import (
    Site,
    champion,
    check,
    explore,
    ingest,
    lineage,
    new_run,
    package,
    promote,
    run,
    try_alerts,
    watch_over,
)
from millrace.monitor.due import due
from millrace.records.audit import Action, AuditVerdict
from millrace.records.checked import Checked
from millrace.records.erasure import Erased
from millrace.records.explored import Explored
from millrace.records.ingestion import Ingested
from millrace.records.initialized import InitResult
from millrace.records.lineage import Lineage
from millrace.records.message import Delivery
from millrace.records.monitoring import Decision
from millrace.records.package import Manifest, PackageInfo
from millrace.records.predicted import Predicted
from millrace.records.progress import Watch, unwatched
from millrace.records.quarantine import Exported, RefusedGroup, RefusedRule, Replayed
from millrace.records.release import Release
from millrace.records.retrained import Retrained
from millrace.records.run import Run
from millrace.store import releases
from millrace.store.audit import actions
from millrace.store.audited import actor, audited
from millrace.store.key_book import KeyBook
from millrace.store.objects import Store

if TYPE_CHECKING:
    import polars as pl


class Project:
    """A project file and everything that grew from it.

    Examples
    --------
    ::

        project = Project.load("millrace.yaml")
        run = project.run()
        print(run.evaluation.metrics["roc_auc"])
    """

    def __init__(self, path: Path, settings: ProjectSettings) -> None:
        self.path = path
        self.settings = settings
        self.hide = redaction(path, os.environ)
        store = settings.store
        self.store = Store(store if "://" in store else path.parent / store)

    @classmethod
    def load(cls, path: str | Path = "millrace.yaml") -> Project:
        """Read a project file. Raises `ProjectFileError` with every problem at once."""
        path = Path(path).resolve()
        return cls(path, load(path))

    @classmethod
    def init(
        cls,
        data: str,
        predict: str | None = None,
        *,
        table: str | None = None,
        query: str | None = None,
        folder: str | Path = ".",
        force: bool = False,
    ) -> InitResult:
        """Look at `data` and write a commented project file for it into `folder`.

        `table` or `query` says what to read of a database. Raises `UsageError` when there is a project file already,
        unless `force`.
        """
        from millrace.sources.proposing.project_file import propose

        path = Path(folder).resolve() / "millrace.yaml"
        if path.exists() and not force:
            raise UsageError(
                "A project file is here already; nothing was changed.",
                where=str(path),
                code="init.exists",
                next_step="millrace init --force …, or millrace check",
            )
        text = propose(data, predict, folder=path.parent, table=table, query=query)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return InitResult(str(path), text)

    def __repr__(self) -> str:
        return f"Project({self.settings.project!r}, {str(self.path)!r})"

    def check(self) -> Checked:
        """Say whether the sources are there and have what the model needs; nothing is written."""
        return check(self._site())

    @audited("run")
    def run(self, watch: Watch = unwatched) -> Run:
        """Ingest, train, evaluate, package, gate and, if the gate agrees, release."""
        return run(self._site(watch), by=actor())

    @audited("train")
    def train(self, watch: Watch = unwatched) -> Run:
        """Do as `run` does, without releasing."""
        return run(self._site(watch), release=False, by=actor())

    @audited("ingest")
    def ingest(self, source: str | None = None, watch: Watch = unwatched) -> tuple[Ingested, ...]:
        """Bring what is new in one source, or in all of them, into their tables."""
        site, identity = self._site(watch), new_run()
        names = [self._known(source)] if source else list(self.settings.in_order)
        return tuple(ingest(site, name, identity) for name in names)

    @audited("ingest")
    def follow(
        self,
        source: str | None = None,
        *,
        every: float = 5.0,
        told: Callable[[Ingested], None] = lambda _: None,
        watch: Watch = unwatched,
    ) -> None:
        """Ingest what is there and then what comes, looking every `every` seconds, until SIGTERM or SIGINT.

        `told` gets what each look brought. Local files count once nobody has written to them for a while: `quiet` of
        their source, by default 2 s.
        """
        from millrace.lifecycle import follow

        names = [self._known(source)] if source else list(self.settings.in_order)
        follow(self._site(lambda step: watch(replace(step, text=self.hide(step.text)))), names, every, told)

    def explore(self, watch: Watch = unwatched, *, since: int | None = None) -> Explored:
        """Ingest what is new, and draw what the rows look like: one HTML report with warnings.

        What changed is told of the newest ingest, or of everything `since` a version of the dataset.
        """
        site = self._site(watch)
        self.ingest(watch=watch)
        return explore(site, since)

    def dataset(self, run: str | None = None) -> pl.DataFrame:
        """The rows that a run learned from, by its id; by default those that a run would learn from now.

        Raises `UsageError` for a run that is not known, `DataError` when the store no longer keeps its rows.
        """
        from millrace.ingest.dataset import dataset
        from millrace.store.datasets import of_run, read

        return dataset(self.settings, self.store)[0] if run is None else read(self.store, of_run(self.store, run))

    def lineage(self, what: str | None = None, *, to: str | None = None) -> Lineage:
        """What came from what, from files to predictions, seen from a source, run, package, release or file.

        By default seen from the champion. With `to` the graph is drawn into that file, as SVG or as a page in HTML.
        Raises `UsageError` for a name that nothing has, and for another ending.
        """
        found = lineage(self._site(), what)
        if to is not None:
            from millrace.lineage.picture import save

            save(found, Path(to), title=self.settings.project)
        return found

    def quarantine(self, source: str | None = None) -> tuple[RefusedRule, ...]:
        """Count the refused rows by rule."""
        from millrace.ingest.quarantine import summary

        return summary(self.store, self._known(source) if source else None)

    def refusals(self, by: str, source: str | None = None) -> tuple[RefusedGroup, ...]:
        """Count the refused rows by ``source``, ``day``, ``load`` or ``origin``, beside the rows read there."""
        from millrace.ingest.refusals import grouped

        names = [self._known(source)] if source else list(self.settings.sources)
        return tuple(group for name in names for group in grouped(self.store, name, by))

    def refused(
        self, source: str | None = None, limit: int = 20, *, rule: str | None = None, origin: str | None = None
    ) -> pl.DataFrame:
        """Give refused rows with their reasons and origin, newest first; at most `limit` of each source.

        With `rule` or `origin` (a path, the end of one, or a glob) only those.
        """
        import polars as pl

        from millrace.ingest.quarantine import show
        from millrace.ingest.refusals import matching

        names = [self._known(source)] if source else list(self.settings.sources)
        found = {name: matching(self.store, name, rule=rule, origin=origin) for name in names}
        return pl.concat([show(self.store, name, limit, rows) for name, rows in found.items()])

    @audited("replay")
    def replay(self, source: str, watch: Watch = unwatched) -> Replayed:
        """Clean and check refused rows again by the rules as they are now, and keep those that pass."""
        from millrace.ingest.replay import replay

        settings = self.settings.sources[self._known(source)]
        return replay(source, settings, self.store, new_run(), watch, base=self.path.parent)

    def export_refused(self, source: str, to: str, *, rule: str | None = None, origin: str | None = None) -> Exported:
        """Write every refused row, or those of a rule or an origin, into a CSV, Parquet or NDJSON file."""
        from millrace.ingest.quarantine import export
        from millrace.ingest.refusals import matching

        return export(self.store, self._known(source), Path(to), matching(self.store, source, rule=rule, origin=origin))

    @audited("erase")
    def erase(
        self,
        source: str,
        key: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
        *,
        now: bool = False,
        dry_run: bool = False,
    ) -> Erased:
        """Remove a person, by the source's key or by columns, from all that rests, and let no ingest bring them back.

        `key` has a value for each column of the source's `key`. Old versions go a week later, or with `now` at once:
        whoever reads one of them meanwhile fails.
        """
        from millrace.ingest.erase import erase, named
        from millrace.store.packages import versions

        person = named(self._known(source), self.settings.sources[source].key, key, where or {})
        done = erase(source, self.store, person, actor(), now=now, dry_run=dry_run)
        return replace(done, packages=tuple(sorted(versions(self.store, self.settings.project))))

    @audited("reveal")
    def reveal(self, source: str, to: str, *, refused: bool = False) -> Exported:
        """Write a source's rows, or with `refused` those of its quarantine, with what was encrypted in plain."""
        from millrace.ingest.reveal import reveal

        return reveal(self._known(source), self.store, Path(to), refused=refused)

    def report(self, version: int | None = None) -> str:
        """Where the report of a package is."""
        package = self._package(version)
        key = f"reports/{package.name}-{package.version}.html"
        if self.store.read(key) is None:
            raise UsageError(f"Package {package.name} {package.version} has no report.", where="report")
        return self.store.at(key)

    def inspect(self, version: int | None = None) -> Manifest:
        """What a package says about itself."""
        from millrace.package.api import inspect

        return inspect(self._package(version).path)

    def verify(self, version: int | None = None, trust: str | None = None) -> PackageInfo:
        """Check a package against its manifest, and with the public key `trust` its signature.

        Raises `TamperedError`.
        """
        from millrace.package.api import verify

        return verify(self._package(version).path, trust)

    @audited("package sign")
    def sign(self, key: str, version: int | None = None) -> PackageInfo:
        """Sign a package with the private key in the file `key`."""
        from millrace.package.api import sign

        return sign(self._package(version).path, key)

    def predict(self, source: str, to: str, *, version: int | None = None, watch: Watch = unwatched) -> Predicted:
        """Answer every row of a file, into a CSV, Parquet or NDJSON file, a batch at a time."""
        from millrace.ingest.questions import questions
        from millrace.package.api import Package
        from millrace.package.batch import answer_file

        start, info = perf_counter(), self._package(version)
        done = answer_file(
            Package.load(info.path, threads=0), questions(self.settings, source, self.path.parent), Path(to), watch
        )
        return Predicted(done.rows, to, info.name, info.version, round(perf_counter() - start, 3), done.refused)

    @audited("serve", required=False)
    def serve(self, *, port: int | None = None, version: int | None = None, watch: Watch = unwatched) -> None:
        """Answer over HTTP until stopped; the champion, and its successors, unless a version is given.

        Without `port` the one that a cloud sets in the environment counts, then the settings'. `watch` gets one step,
        whose text is the URL, once the server answers.
        """
        from millrace.serve.clouds import port as cloud_port
        from millrace.serve.stage import serve

        settings = self.settings.serve
        chosen = port if port is not None else cloud_port(os.environ, settings.port)
        settings = settings.placed(chosen, self.path.parent)
        serve(self.store, settings, package=self.settings.project, version=version, pii=self.settings.pii, watch=watch)

    @audited("promote")
    def promote(self, version: int, reason: str = "") -> Release:
        """Make a package champion by hand."""
        why, evidence = self.hide(reason) or "by hand", {"by hand": True}
        return promote(self._site(), self._package(version), by=actor(), reason=why, evidence=evidence)

    @audited("rollback")
    def rollback(self, reason: str = "") -> Release:
        """Give traffic back to the champion before."""
        from millrace.release.stage import rollback

        return rollback(self.store, by=actor(), reason=self.hide(reason) or "by hand")

    def history(self) -> tuple[Release, ...]:
        """Every change of champion, oldest first."""
        return releases.history(self.store)

    @property
    def keys(self) -> KeyBook:
        """The access keys of its servers: `create`, `listed`, `revoke`."""
        return KeyBook(self.store, self.hide)

    def audit(self) -> tuple[Action, ...]:
        """Who ran what, oldest first."""
        return actions(self.store)

    def verify_audit(self, head: str = "") -> AuditVerdict:
        """Say whether the audit log is whole; with `head`, whether it holds the entry of that hash too."""
        from millrace.store.audit import verify

        return verify(self.store, head)

    def monitor(self) -> Decision:
        """Say whether what is served is still right, and what to do if not."""
        return watch_over(self._site())

    @audited("alert test")
    def test_alerts(self) -> tuple[Delivery, ...]:
        """Send a test message to everybody in `monitor.alert`. Raises `UsageError` when there is nobody."""
        if not self.settings.monitor.alert:
            raise UsageError(
                "`monitor.alert` names nobody to tell.",
                where=str(self.path),
                code="alert.none",
                next_step="add `monitor: {alert: [{webhook: https://…}]}` to the project file",
            )
        return try_alerts(self._site())

    @audited("retrain")
    def retrain(self, *, force: bool = False, watch: Watch = unwatched) -> Retrained:
        """Act on what monitoring decides, as `retrain.when` allows, through the gate; with `force`, train anyway."""
        decision = self.monitor()
        if decision.decision == "roll back" and not force:
            return Retrained(decision, None, self.rollback(decision.reason))
        current = champion(self._site())
        reason = due(self.settings.retrain, decision, current.at if current else decision.at)
        if reason is None and not force:
            return Retrained(decision, None, None)
        done = run(self._site(watch), by=actor(), reason=reason or decision.reason)
        return Retrained(decision, done, done.release)

    def _site(self, watch: Watch = unwatched) -> Site:
        return Site(self.settings, self.store, self.path.parent, self._engine, watch)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self.settings.engine)

    def _known(self, source: str) -> str:
        if source not in self.settings.sources:
            known = tuple(self.settings.sources)
            near = nearest(source, known)
            raise UsageError(f"`{source}` is not a source.", where=str(self.path), allowed=known, nearest=near)
        return source

    def _package(self, version: int | None) -> PackageInfo:
        return package(self._site(), version)
