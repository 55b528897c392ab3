"""The process dies at any point, runs twice at once, or the disk is full: the table and quarantine end up the same."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from millrace.ingest.quarantine import show
from millrace.ingest.stage import POINTS
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest import intake

#: How many series of random deaths to try; `make faults` asks for many, and for a death at each point of every batch.
SERIES = int(os.environ.get("MILLRACE_FAULTS", "1"))
BATCHES = len(intake.FRAMES) if SERIES > 1 else 2
DEATHS = [f"{point}-{batch}" for batch in range(BATCHES) for point in POINTS]

# A child forked from a server that never ran Polars is safe to fork and starts in milliseconds.
processes = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def forkserver():
    # Before Python 3.13 the server sees the environment's path alone, and would silently preload nothing.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        processes.set_forkserver_preload(["unit.ingest.intake", "duckdb"])
        child = processes.Process(target=str)
        child.start()
        child.join(60)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("undisturbed"))
    intake.take(store, intake.FRAMES, **intake.RULES)
    table, refused = intake.rests(store)
    assert table["id"].to_list() == [1, 2, 7]
    assert refused["_row"].to_list() == [4, 5, 6, 8]
    return table, refused


def assert_same(store: Store, undisturbed: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    for found, wanted in zip(intake.rests(store), undisturbed, strict=True):
        assert_frame_equal(found, wanted)


@pytest.mark.parametrize("ordinal", range(len(DEATHS)), ids=DEATHS)
def test_a_killed_ingest_continues_where_it_stopped(ordinal, tmp_path, undisturbed):
    child = processes.Process(target=intake.die_at, args=(tmp_path, ordinal))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    intake.take(Store(tmp_path), intake.FRAMES, **intake.RULES)
    assert_same(Store(tmp_path), undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
def test_deaths_at_random_moments_leave_nothing_behind(seed, tmp_path, undisturbed):
    delays = random.Random(seed)
    for death in range(5):
        begun = processes.Event()
        child = processes.Process(target=intake.live_until_killed, args=(tmp_path, begun, f"death-{death}"))
        child.start()
        begun.wait(60)
        child.join(delays.uniform(0, 0.15))
        child.kill()
        child.join(60)
    intake.take(Store(tmp_path), intake.FRAMES, **intake.RULES)
    assert_same(Store(tmp_path), undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
def test_two_writers_at_once_write_what_one_would(seed, tmp_path, undisturbed):
    barrier = processes.Barrier(2)
    pair = [processes.Process(target=intake.start_together, args=(tmp_path, barrier, f"run-{i}")) for i in range(2)]
    for child in pair:
        child.start()
    for child in pair:
        child.join(60)
    assert [child.exitcode for child in pair] == [0, 0]
    assert_same(Store(tmp_path), undisturbed)


@pytest.mark.parametrize("limit", [100, 1000, 2048])
def test_a_full_disk_is_reported_and_loses_nothing(limit, tmp_path, undisturbed):
    answers = processes.Queue()
    child = processes.Process(target=intake.with_full_disk, args=(tmp_path, limit, answers))
    child.start()
    kind, text = answers.get(timeout=60)
    child.join(60)
    assert kind == "RemoteError"
    assert "what was committed is safe" in text
    intake.take(Store(tmp_path), intake.FRAMES, **intake.RULES)
    assert_same(Store(tmp_path), undisturbed)


def test_rules_changed_after_a_death_leave_no_stale_refusals(tmp_path):
    child = processes.Process(target=intake.die_at, args=(tmp_path, POINTS.index("quarantined")))
    child.start()
    child.join(60)
    store = Store(tmp_path)
    assert Table(store, "quarantine/customers").read(bookkeeping=True)["_row"].to_list() == [4]
    intake.take(store, intake.FRAMES, **(intake.RULES | {"checks": {"first_only": "id < 2"}}))
    assert show(store, "customers", 99).sort("_row")["_row"].to_list() == [2, 3, 4, 5, 6, 8, 9]
    assert Table(store, "tables/customers").read()["id"].to_list() == [1]
