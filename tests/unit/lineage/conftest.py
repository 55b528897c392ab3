"""A store as the stages leave it: files ingested, packages published, releases logged; only training is left out."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from millrace.config.schema import ProjectSettings
from millrace.ingest.dataset import dataset
from millrace.ingest.stage import ingest_source
from millrace.records.batch import Batch
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.package import Manifest
from millrace.records.release import Release
from millrace.records.signature import Signature
from millrace.store import packages, releases
from millrace.store.objects import Store
from unit.ingest.intake import REFUSED, Listed
from unit.ingest.intake import settings as source_settings

SQL = "select c.id, c.churn, count(t.of) as tickets from customers c left join tickets t on t.of = c.id group by all"
SETTINGS = ProjectSettings.model_validate(
    {
        "project": "churn",
        "sources": {"customers": {"from": "x"}, "tickets": {"from": "y"}},
        "dataset": {"sql": SQL},
        "model": {"predict": "churn"},
    }
)


class Files(Listed):
    """Each frame is a file of its own name; the position is how many were read."""

    def __init__(self, files: dict[str, pl.DataFrame]) -> None:
        super().__init__(list(files.values()))
        self.names = list(files)

    def batches(self, after):
        for ordinal in range(after["frames"] if after else 0, len(self.frames)):
            refused = pl.DataFrame(schema=REFUSED)
            yield Batch(self.frames[ordinal], refused, self.names[ordinal], 1, {"frames": ordinal + 1}, lambda: None)


def customers(*ids: int) -> pl.DataFrame:
    return pl.DataFrame({"id": ids, "tenure": [one - 2 for one in ids], "churn": ["yes"] * len(ids)})


def tickets(*of: int) -> pl.DataFrame:
    return pl.DataFrame({"of": of})


def ingest(store, name, files, run, **sections):
    return ingest_source(Files(files), name, source_settings(**sections), store, run)


def learn(store, run, *, gate=True, settings=SETTINGS):
    """What a run leaves: the dataset's version, a package that names it, and the run's record."""
    _, made = dataset(settings, store)
    stated = {"key": made.key, "version": made.version, "rows": made.rows, "sql": made.sql}
    lineage = {"tables": dict(made.tables), "dataset": stated}
    measured = Evaluation("binary", {"roc_auc": Metric(0.8, 0.7, 0.9)}, "roc_auc", 10)
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    signature = Signature("binary", "churn", ())
    draft = Manifest("churn", 0, run, created, signature, measured, {}, lineage=lineage)
    _, package = packages.publish(store, draft, {})
    record = {"run": run, "gate": {"passed": gate}, "dataset": msgspec.to_builtins(made), "report": "r.html"}
    store.create(f"runs/{run}.json", msgspec.json.encode(record))
    return package


def release(store, version, kind="promote"):
    return releases.append(
        store, lambda past: Release(len(past) + 1, kind, "churn", version, None, "2026-05-01T11:00:00Z", "ann", "run")
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture(scope="session")
def _two_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-runs")
    store = Store(folder)
    ingest(store, "customers", {"data/a.csv": customers(1, 2, 3)}, "r1", checks={"old": "tenure >= 0"})
    ingest(store, "tickets", {"t.csv": tickets(2, 2)}, "r1")
    learn(store, "r1")
    release(store, 1)
    both = {"data/a.csv": customers(1, 2, 3), "data/b.csv": customers(4)}
    ingest(store, "customers", both, "r2", checks={"old": "tenure >= 0"})
    learn(store, "r2", gate=False)
    return folder


@pytest.fixture
def two_runs(_two_runs, tmp_path):
    """Run r1 saw a.csv and t.csv; run r2 saw b.csv besides; the first package is champion."""
    return Store(shutil.copytree(_two_runs, tmp_path, dirs_exist_ok=True))
