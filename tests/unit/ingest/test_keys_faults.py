"""A process that dies at any point of an ingest with `unique` and `references`, or beside another, leaves no trace."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from millrace.ingest.intake import POINTS
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest_source
from millrace.records.progress import unwatched
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import Listed, rests, settings

LONG = int(os.environ.get("MILLRACE_FAULTS", "1")) > 1
RULES = {
    "unique": [["id"], ["mail"]],
    "references": {"shop": "shops.id"},
    "clean": [{"drop_duplicates": ["id", "mail"]}],
}
#: By what becomes of them: kept 1 2 4 8 10, no such shop 5, taken 3 6 9, duplicate 7.
FRAMES = (
    pl.DataFrame({"id": [1, 2, 2, 3], "mail": ["a", "b", "c", None], "shop": ["x", None, "x", "y"]}),
    pl.DataFrame({"id": [4, 5, 1], "mail": ["d", "a", "a"], "shop": ["z", "x", "x"]}),
    pl.DataFrame({"id": [None, 3, 4], "mail": ["e", "f", "d"], "shop": ["x", "y", "x"]}),
)
processes = get_context("spawn" if os.name == "nt" else "forkserver")


def take(folder, watch=unwatched, run="run"):
    return ingest_source(Listed(FRAMES), "customers", settings(**RULES), Store(folder), run, watch)


def die_at(folder, point, occurrence):
    passed = []

    def fatal(step):
        if step.text.endswith(f": {point}"):
            passed.append(point)
            if len(passed) > occurrence:
                os.kill(os.getpid(), signal.SIGKILL)

    take(folder, fatal, "killed")


def start_together(folder, barrier, run):
    barrier.wait()
    take(folder, run=run)


def laid(folder):
    ingest_source(Listed([pl.DataFrame({"id": ["x", "y"]})]), "shops", settings(), Store(folder), "first")
    return folder


def assert_as_undisturbed(folder, undisturbed):
    store = Store(folder)
    for found, wanted in zip(rests(store), undisturbed, strict=True):
        assert_frame_equal(found.drop("_batch", strict=False), wanted.drop("_batch", strict=False))
    totals = receipts.read(store, "customers", Table(store, "tables/customers").snapshot().number).totals
    assert (totals.read, totals.kept, totals.quarantined, totals.duplicate) == (10, 5, 4, 1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = laid(tmp_path_factory.mktemp("undisturbed"))
    take(folder)
    store = Store(folder)
    kept, refused = rests(store)
    assert kept["_row"].to_list() == [1, 2, 4, 8, 10]
    assert refused["_reasons"].to_list() == [
        "unique: id = '2' is taken by row 2",
        "references: shop = 'z' is not in shops.id",
        "unique: mail = 'a' is taken by row 1 of memory",
        "unique: id = '3' is taken by row 4 of memory",
    ]
    return kept, refused


DEATHS = [(point, batch) for batch in (range(3) if LONG else (1,)) for point in POINTS]


@pytest.mark.parametrize(("point", "batch"), DEATHS)
def test_a_killed_ingest_keeps_refuses_and_counts_the_same_rows(tmp_path, undisturbed, point, batch):
    child = processes.Process(target=die_at, args=(laid(tmp_path), point, batch))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    take(tmp_path)
    assert_as_undisturbed(tmp_path, undisturbed)
    assert take(tmp_path).read == 0


def test_two_writers_at_once_keep_what_one_would(tmp_path, undisturbed):
    laid(tmp_path)
    barrier = processes.Barrier(2)
    writers = [processes.Process(target=start_together, args=(tmp_path, barrier, run)) for run in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert_as_undisturbed(tmp_path, undisturbed)


def test_what_is_replayed_is_kept_once_and_stays_unique(tmp_path):
    laid(tmp_path)
    take(tmp_path)
    store = Store(tmp_path)
    shops = [pl.DataFrame({"id": ["x", "y"]}), pl.DataFrame({"id": ["z"]})]
    ingest_source(Listed(shops), "shops", settings(), store, "second")
    done = replay("customers", settings(**RULES), store, "later")
    assert (done.left, done.kept, done.duplicate, done.remaining) == (1, 0, 1, 3)
