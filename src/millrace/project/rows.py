"""What a project does with rows: bring them in, look at them, set them aside, forget a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.lifecycle import explore, ingest, lineage, new_run
from millrace.records.erasure import Erased
from millrace.records.explored import Explored
from millrace.records.ingestion import Ingested
from millrace.records.lineage import Lineage
from millrace.records.progress import Watch, unwatched
from millrace.records.quarantine import Exported, RefusedGroup, RefusedRule, Replayed
from millrace.store.audited import actor, audited

if TYPE_CHECKING:
    import polars as pl

from millrace.project.base import Loaded


class Rows(Loaded):
    """The verbs of sources, tables and quarantine."""

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
        from millrace.wheel.following import follow

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
