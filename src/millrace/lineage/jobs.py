"""What the stages worked on, looked up in what they wrote down, for whoever is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from millrace.lineage.openlineage import Data, Job
from millrace.records.dataset import Dataset
from millrace.records.package import Manifest, PackageInfo
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt
from millrace.store.tables import Table


def ingested(job: Job, store: Store, source: str, run: str, folder: Path, checks: Iterable[str]) -> None:
    """The files that a run brought into a table, and the version that holds them."""
    table = Table(store, f"tables/{source}")
    now = table.snapshot()
    files: dict[str, list[Receipt]] = {}
    for receipt in _of_run(store, source, now.number, run):
        files.setdefault(receipt.origin, []).append(receipt)
    for origin, commits in reversed(files.items()):
        broken = {rule for receipt in commits for rule in receipt.reasons}
        held = {rule: rule not in broken for rule in dict.fromkeys([*checks, *sorted(broken)])}
        rows = sum(receipt.counts.read for receipt in commits)
        job.inputs.append(Data(_placed(origin, folder), rows=rows, held=held))
    kept = sum(receipt.counts.kept for commits in files.values() for receipt in commits)
    job.outputs.append(_table(store, table.key, now.version if now.number else None, kept))


def learned(job: Job, store: Store, dataset: Dataset, sql: str | None) -> None:
    """The tables that a dataset was made from, and the dataset; without a query, the table is what is read."""
    job.sql = sql
    for name, version in dataset.tables.items():
        job.inputs.append(_table(store, f"tables/{name}", version, None))
    if sql:
        job.outputs.append(_table(store, dataset.key, dataset.version, dataset.rows))


def packed(job: Job, store: Store, dataset: Dataset, manifest: Manifest, package: PackageInfo) -> None:
    """The dataset that a model was trained on, and its package."""
    job.inputs.append(_table(store, dataset.key, dataset.version, dataset.rows))
    inputs = {one.name: one.type for one in manifest.signature.inputs}
    job.outputs.append(Data(store.at(f"packages/{package.name}"), package.version, columns=inputs))


def _of_run(store: Store, source: str, newest: int, run: str) -> Iterator[Receipt]:
    """The receipts of a run's commits, newest first: they are the last ones."""
    number = newest
    while number:
        receipt = receipts.read(store, source, number)
        if receipt.run != run:
            return
        yield receipt
        number = receipt.previous


def _table(store: Store, key: str, version: int | None, rows: int | None) -> Data:
    schema = {name: str(dtype) for name, dtype in Table(store, key).snapshot(version).schema().items()}
    return Data(store.at(key), version, rows, schema)


def _placed(origin: str, folder: Path) -> str:
    """An origin as a full path, unless it is a URL."""
    return origin if "://" in origin else str(folder / origin)
