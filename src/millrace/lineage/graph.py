"""The graph of a project, from its files to its predictions, gathered from receipts, manifests, runs and releases.

Nothing is written down for lineage alone: a table version knows its commits by its number, a commit its file by its
receipt, a package its dataset, tables and run by its manifest, a release its package. A version of a table is a node
where a package was made from it, and where it is the newest; each follows the one before, with the files that came
in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from millrace.errors import RemoteError
from millrace.records.ingestion import Counts
from millrace.records.lineage import Kind, Lineage, Node
from millrace.records.package import Manifest
from millrace.store import receipts
from millrace.store.delta import opened, scanned
from millrace.store.objects import Store
from millrace.store.packages import MANIFEST, decode, versions
from millrace.store.prediction_log import PREDICTIONS
from millrace.store.receipts import Receipt
from millrace.store.releases import history
from millrace.store.tables import Table


@dataclass(slots=True)
class _Graph:
    """Nodes and edges as they are found."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)

    def add(self, kind: Kind, key: str, name: str, at: str = "", facts: Mapping[str, object] | None = None) -> str:
        """Add a node and give its id; of two with one id the first stays."""
        identity = f"{kind}:{key}"
        self.nodes.setdefault(identity, Node(identity, kind, name, at, facts or {}))
        return identity

    def join(self, one: str, other: str) -> None:
        """Note that `other` was made from `one`."""
        self.edges[one, other] = None


def gather(store: Store, sources: Iterable[str], package: str) -> Lineage:
    """Everything that the store knows about `sources` and the package of the project.

    Raises `ReleaseError`, `PackageError` or `DataError` where what was recorded cannot be read.
    """
    graph = _Graph()
    manifests = [_manifest(store, package, version) for version in versions(store, package)]
    made: dict[str, dict[int, str]] = {}
    for manifest in manifests:
        for table, version in _mapping(manifest.lineage.get("tables")).items():
            made.setdefault(table, {}).setdefault(int(version), manifest.created)
    for source in dict.fromkeys([*sources, *made]):
        _table(graph, store, source, made.get(source, {}))
    runs = _runs(store)
    for manifest in manifests:
        _package(graph, manifest, runs.get(manifest.run, {}))
    _releases(graph, store)
    return Lineage(tuple(graph.nodes.values()), tuple(graph.edges))


def _table(graph: _Graph, store: Store, source: str, made: Mapping[int, str]) -> None:
    """The versions of a table, oldest first, each with the files that came since the one before."""
    now = Table(store, f"tables/{source}").snapshot()
    if not now.number:
        return
    commits = {number: receipts.read(store, source, number) for number in receipts.landed(store, source, now.number)}
    seen: set[int] = set()
    previous = None
    for version in sorted({*made, now.version}):
        number = now.number if version == now.version else _number(store, source, version, made[version], commits)
        fresh = sorted(one for one in commits if one <= number and one not in seen)
        seen |= set(fresh)
        last = commits.get(number)
        rows = last.totals.kept if last else 0
        facts = {"rows": rows, "newest": version == now.version}
        node = graph.add("table", f"{source}@{version}", f"{source} version {version}", last.at if last else "", facts)
        for one in fresh:
            for origin in _origins(store, source, one, commits):
                graph.join(_file(graph, source, origin, commits), node)
        if previous:
            graph.join(previous, node)
        previous = node


def _number(store: Store, source: str, version: int, created: str, commits: Mapping[int, Receipt]) -> int:
    """The newest commit in a version; where Delta no longer keeps the version, the newest before its package."""
    try:
        return Table(store, f"tables/{source}").snapshot(version).number
    except RemoteError:
        until = created.removesuffix("Z")
        return max((number for number, receipt in commits.items() if receipt.at[: len(until)] <= until), default=0)


def _origins(store: Store, source: str, number: int, commits: Mapping[int, Receipt]) -> list[str]:
    """The files whose rows came in with a commit; a replay brings rows of the files that they were refused from."""
    left = commits[number]
    if not left.counts.kept:
        return []
    if left.counts.read or left.counts.quarantined >= 0:
        return [origin for origin, counts in left.by_origin.items() if counts.kept]
    rows = Table(store, f"replayed/{source}").snapshot().scan().filter(pl.col("_batch") == number)
    named = [pl.col("_origin")] if "_origin" in rows.collect_schema() else [pl.lit(None, pl.String).alias("_origin")]
    places = rows.select("_of", *named).unique().collect()
    return sorted({origin or commits[of].origin for of, origin in places.iter_rows() if of in commits})


def _file(graph: _Graph, source: str, origin: str, commits: Mapping[int, Receipt]) -> str:
    identity = f"file:{source}/{origin}"
    if identity in graph.nodes:
        return identity
    own = [receipt for receipt in commits.values() if origin in receipt.by_origin]
    counts = sum((receipt.by_origin[origin] for receipt in own), Counts())
    first = min(own, key=lambda receipt: receipt.at)
    facts = {"source": source, "ingested_by": first.run} | msgspec.to_builtins(counts)
    return graph.add("file", f"{source}/{origin}", origin, first.at, facts)


def _package(graph: _Graph, manifest: Manifest, run: Mapping[str, Any]) -> None:
    """A package, the run that made it, and what that run learned from."""
    gate = _mapping(run.get("gate"))
    told: dict[str, object] = {"gate": gate.get("passed")}
    if used := _mapping(manifest.lineage.get("rows")):
        told["rows"] = used.get("said")
    stage = graph.add("run", manifest.run, f"run {manifest.run}", manifest.created, told)
    tables = [f"table:{name}@{version}" for name, version in _mapping(manifest.lineage.get("tables")).items()]
    stated = _mapping(manifest.lineage.get("dataset"))
    key, version = str(stated.get("key", "")), stated.get("version")
    inputs = tables
    if key.startswith("datasets/"):
        name = key.removeprefix("datasets/")
        facts = {"rows": stated.get("rows"), "sql": stated.get("sql")}
        inputs = [graph.add("dataset", f"{name}@{version}", f"dataset {name} version {version}", "", facts)]
        for table in tables:
            graph.join(table, inputs[0])
    for one in inputs:
        graph.join(one, stage)
    primary = manifest.evaluation.primary
    measured = manifest.evaluation.metrics.get(primary)
    name = f"{manifest.name} {manifest.version}"
    facts = {"metric": primary, "value": measured.value if measured else None, "report": run.get("report")}
    graph.join(stage, graph.add("package", f"{manifest.name}/{manifest.version}", name, manifest.created, facts))


def _releases(graph: _Graph, store: Store) -> None:
    """The release log, and what each released package has answered."""
    past = history(store)
    answered = _answered(store)
    for release in past:
        source = graph.add("package", f"{release.package}/{release.version}", f"{release.package} {release.version}")
        facts = {"kind": release.kind, "by": release.by, "reason": release.reason, "champion": release is past[-1]}
        node = graph.add("release", str(release.number), f"release {release.number}", release.at, facts)
        graph.join(source, node)
        if (found := answered.get((release.package, release.version))) is not None:
            name = f"predictions of {release.package} {release.version}"
            rows, first, newest = found
            key = f"{release.package}/{release.version}"
            graph.join(node, graph.add("predictions", key, name, newest, {"rows": rows, "first": first}))


def _answered(store: Store) -> dict[tuple[str, int], tuple[int, str, str]]:
    """How many predictions each package gave, and when the first and the newest, of those settled so far."""
    table = opened(store.at(PREDICTIONS))
    if table is None:
        return {}
    told = scanned(table).group_by("package", "version")
    rows = told.agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("at").min().alias("a"), pl.col("at").max().alias("z"))
    return {
        (package, version): (count, first.isoformat(timespec="seconds"), newest.isoformat(timespec="seconds"))
        for package, version, count, first, newest in rows.collect().iter_rows()
    }


def _manifest(store: Store, package: str, version: int) -> Manifest:
    key = f"packages/{package}/{version}/{MANIFEST}"
    return decode(store.read(key) or b"", store.at(key))


def _runs(store: Store) -> dict[str, dict[str, Any]]:
    found = (msgspec.json.decode(store.read(key) or b"{}") for key in store.keys("runs"))
    return {str(run.get("run")): run for run in found}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
