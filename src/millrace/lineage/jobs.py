"""What the stages worked on, looked up in what they wrote down, for whoever is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

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
    rows: Counter[str] = Counter()
    broken: dict[str, set[str]] = {}
    kept = 0
    for number, receipt in _of_run(store, source, now.number, run):
        kept += receipt.counts.kept
        rows.update({origin: counts.read for origin, counts in receipt.by_origin.items()})
        for origin, rules in _broken(store, source, number, receipt):
            broken.setdefault(origin, set()).update(rules)
    for origin in sorted(rows):
        failed = broken.get(origin, set())
        held = {rule: rule not in failed for rule in dict.fromkeys([*checks, *sorted(failed)])}
        job.inputs.append(Data(_placed(origin, folder), rows=rows[origin], held=held))
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


def _broken(store: Store, source: str, number: int, receipt: Receipt) -> Iterable[tuple[str, Iterable[str]]]:
    """The rules that rows of a commit failed, by origin."""
    if not receipt.origins or not receipt.reasons:
        return [(receipt.origin, receipt.reasons)]
    rows = Table(store, f"quarantine/{source}").snapshot().scan().filter(pl.col("_batch") == number)
    rules = pl.col("_rules").explode(empty_as_null=True, keep_nulls=True).unique()
    return rows.group_by("_origin").agg(rules).collect().rows()


def _of_run(store: Store, source: str, newest: int, run: str) -> Iterator[tuple[int, Receipt]]:
    """The commits of a run and their receipts, newest first: they are the last ones."""
    number = newest
    while number:
        receipt = receipts.read(store, source, number)
        if receipt.run != run:
            return
        yield number, receipt
        number = receipt.previous


def _table(store: Store, key: str, version: int | None, rows: int | None) -> Data:
    schema = {name: str(dtype) for name, dtype in Table(store, key).snapshot(version).schema().items()}
    return Data(store.at(key), version, rows, schema)


def _placed(origin: str, folder: Path) -> str:
    """An origin as a full path, unless it is a URL."""
    return origin if "://" in origin else str(folder / origin)
