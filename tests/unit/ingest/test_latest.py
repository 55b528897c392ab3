"""`keep: latest`: a table has the newest row of each key, whatever comes in which order, and whoever dies meanwhile."""

import multiprocessing
import os
import random
import signal

import polars as pl
import pytest
from pydantic import ValidationError

from millrace.ingest.intake import POINTS
from millrace.ingest.latest import Latest
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest_source
from millrace.store import delta, receipts
from millrace.store.objects import Store
from millrace.store.tables import BOOKKEEPING, Table
from unit.ingest.intake import Listed, settings, take

LATEST = {"key": "id", "cursor": "at", "keep": "latest"}
processes = multiprocessing.get_context("forkserver")


def frame(*rows):
    return pl.DataFrame(rows, schema={"id": pl.Int64, "at": pl.Int64, "plan": pl.String}, orient="row")


#: Three batches: new keys, changed rows, one that comes too late, one twice in a batch, one as new as the one there.
FRAMES = (
    frame((1, 10, "a"), (2, 10, "b"), (3, 10, "c")),
    frame((2, 20, "B"), (3, 5, "too old"), (4, 20, "d"), (2, 30, "BB"), (2, 25, "between")),
    frame((1, 10, "as new"), (4, 40, "D"), (5, 40, "e")),
)
#: Worked out by hand.
WANTED = [(1, 10, "a"), (2, 30, "BB"), (3, 10, "c"), (4, 40, "D"), (5, 40, "e")]


def rows(store):
    return Table(store, "tables/customers").read().sort("id").rows()


def totals(store):
    return receipts.read(store, "customers", Table(store, "tables/customers").snapshot().number).totals


def test_the_newest_row_of_each_key_stays(tmp_path):
    store = Store(tmp_path)
    done = take(store, FRAMES, **LATEST)
    assert rows(store) == WANTED
    assert (done.read, done.kept, done.duplicate, done.replaced) == (11, 7, 4, 2)
    told = totals(store)
    assert told.kept - told.replaced == len(WANTED)


def test_what_leaves_and_what_comes_are_one_version(tmp_path):
    """Whoever reads any version sees one row of each key."""
    store, table = Store(tmp_path), Table(Store(tmp_path), "tables/customers")
    take(store, FRAMES, **LATEST)
    for version in range(1, table.version() + 1):
        found = table.read(version)
        assert not found["id"].is_duplicated().any()
        assert found.height >= 3


def test_the_log_tells_no_value_of_what_left(tmp_path):
    store = Store(tmp_path)
    take(store, FRAMES, **LATEST)
    newest = max((tmp_path / "tables/customers/_delta_log").glob("*.json"))
    commit = next(line for line in newest.read_text().splitlines() if "commitInfo" in line)
    assert "mergePredicate" in commit
    assert '"D"' not in commit


def test_a_table_that_kept_all_versions_keeps_the_latest_of_a_key_once_it_changes(tmp_path):
    store = Store(tmp_path)
    take(store, FRAMES[:2], key="id", cursor="at")
    assert [row for row in rows(store) if row[0] == 2] == [
        (2, 10, "b"),
        (2, 20, "B"),
        (2, 30, "BB"),
        (2, 25, "between"),
    ]
    take(store, (*FRAMES[:2], frame((2, 50, "new"))), **LATEST)
    assert [row for row in rows(store) if row[0] == 2] == [(2, 50, "new")]


def test_a_row_without_key_or_cursor_is_refused(tmp_path):
    store = Store(tmp_path)
    done = take(store, [frame((1, None, "a"), (None, 3, "b"), (2, 4, "c"))], **LATEST)
    assert (done.kept, done.reasons) == (1, {"required": 2})


def test_a_refused_row_that_is_replayed_replaces_only_what_is_older(tmp_path):
    store = Store(tmp_path)
    strict = {**LATEST, "checks": {"short": "length(plan) < 3"}}
    take(
        store,
        [frame((1, 10, "a"), (2, 10, "b")), frame((1, 20, "long"), (2, 20, "long")), frame((2, 30, "B"))],
        **strict,
    )
    assert rows(store) == [(1, 10, "a"), (2, 30, "B")]
    done = replay("customers", settings(**LATEST), store, "again")
    assert (done.left, done.kept, done.duplicate) == (2, 1, 1)
    assert rows(store) == [(1, 20, "long"), (2, 30, "B")]
    told = totals(store)
    assert (told.kept - told.replaced, told.quarantined) == (2, 0)


def test_columns_that_come_later_stay_empty_in_what_was_there(tmp_path):
    store = Store(tmp_path)
    wider = pl.DataFrame({"id": [1], "at": [20], "plan": ["A"], 'a "b".c': ["new"]})
    take(store, [FRAMES[0], wider], contract="evolve", **LATEST)
    assert rows(store) == [(1, 20, "A", "new"), (2, 10, "b", None), (3, 10, "c", None)]


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"key": "id", "keep": "latest"}, "needs `cursor`"),
        ({"cursor": "at", "keep": "latest"}, "needs `key`"),
        ({**LATEST, "clean": [{"drop_duplicates": "id"}]}, "`drop_duplicates` the first"),
        ({**LATEST, "unique": "plan"}, "`unique` the first"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(said, match):
    with pytest.raises(ValidationError, match=match):
        settings(**said)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_any_batches_leave_the_same_rows(seed, tmp_path):
    chance = random.Random(seed)
    every = [(key, at, f"{key}-{at}") for key in range(6) for at in range(5)]
    chance.shuffle(every)
    cuts = sorted(chance.sample(range(1, 30), 4))
    frames = [frame(*every[a:b]) for a, b in zip([0, *cuts], [*cuts, 30], strict=True)]
    take(Store(tmp_path), frames, **LATEST)
    assert rows(Store(tmp_path)) == [(key, 4, f"{key}-4") for key in range(6)]


def live(store, point="", occurrence=0, barrier=None):
    """Ingest with small files joined early; die at a point."""
    delta.SMALL_FILES, passed = 2, []

    def fatal(step):
        if point and step.text.endswith(f": {point}"):
            passed.append(point)
            if len(passed) > occurrence:
                os.kill(os.getpid(), signal.SIGKILL)

    if barrier:
        barrier.wait()
    ingest_source(Listed(FRAMES), "customers", settings(**LATEST), Store(store), "run", fatal)


@pytest.mark.parametrize("batch", range(3))
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_ingest_leaves_what_an_undisturbed_one_leaves(point, batch, tmp_path, monkeypatch):
    monkeypatch.setattr(delta, "SMALL_FILES", delta.SMALL_FILES)
    child = processes.Process(target=live, args=(str(tmp_path), point, batch))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    live(str(tmp_path))
    assert rows(Store(tmp_path)) == WANTED
    told = totals(Store(tmp_path))
    assert (told.read, told.kept, told.duplicate, told.replaced) == (11, 7, 4, 2)


@pytest.mark.parametrize("seed", range(int(os.environ.get("MILLRACE_FAULTS", "1"))))
def test_two_writers_at_once_leave_what_one_leaves(seed, tmp_path):
    barrier = processes.Barrier(2)
    pair = [processes.Process(target=live, args=(str(tmp_path), "", 0, barrier)) for _ in range(2)]
    for child in pair:
        child.start()
    for child in pair:
        child.join(60)
    assert [child.exitcode for child in pair] == [0, 0]
    assert rows(Store(tmp_path)) == WANTED
    assert totals(Store(tmp_path)).replaced == 2


def test_what_was_decided_on_an_older_version_is_decided_anew(tmp_path):
    """A commit without a number, such as that of an erasure, came between: counts and places would be wrong."""
    store, table = Store(tmp_path), Table(Store(tmp_path), "tables/customers")
    take(store, FRAMES[:1], **LATEST)
    now = table.snapshot()
    gone = now.scan().filter(pl.col("id") == 2).select(BOOKKEEPING).collect()
    table.snapshot().delta.delete("id = 2")
    new = frame((2, 99, "z")).with_columns(_run=pl.lit("r"), _origin=pl.lit("o"), _row=pl.lit(1, pl.Int64))
    after = table.exchange(now, gone, new, now.number + (1 << 32))
    assert after.number == now.number
    assert [row[0] for row in rows(store)] == [1, 3]


def test_settling_looks_at_the_rows_of_the_table_with_the_same_keys_alone():
    known = pl.LazyFrame({"id": [1, 2], "at": [1, 9], "_run": ["r", "r"], "_origin": ["o", "o"], "_row": [1, 2]})
    chosen = Latest(("id",), "at").settle(frame((1, 2, "new"), (2, 3, "old"), (7, 1, "x")), known)
    assert chosen.kept["id"].to_list() == [1, 7]
    assert chosen.replaced.rows() == [("r", "o", 1)]
