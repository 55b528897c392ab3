from __future__ import annotations

import os
import random
import threading
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from millrace.errors import RemoteError
from millrace.store import delta
from millrace.store.objects import Store
from millrace.store.tables import Table

COMMITS = 6


@pytest.fixture(params=["local", "s3", "azure"])
def table(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(delta, "SMALL_FILES", COMMITS)
    if request.param == "local":
        return filled(Store(tmp_path))
    emulator = request.getfixturevalue(request.param)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    place = tmp_path.name.replace("_", "-").lower()[:60].strip("-")
    emulator.make(place)
    return filled(Store(f"{emulator.scheme}://{place}/lake"))


def filled(store: Store) -> Table:
    table = Table(store, "tables/meters")
    now = table.snapshot()
    for commit in range(1, COMMITS + 1):
        now = table.append(now, rows(commit), commit << 32)
    return table


def rows(commit: int) -> pl.DataFrame:
    return pl.DataFrame({"x": [commit, -commit], "_origin": ["a.csv"] * 2, "_row": [2 * commit, 2 * commit + 1]})


def files(table: Table) -> int:
    return len(DeltaTable(table.store.at(table.key)).file_uris())


@pytest.mark.parametrize("name", ["My Documents", "Größe #1 (neu) & alt?", "a%b"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    table = filled(Store(tmp_path / name))
    content = table.read(bookkeeping=True)
    assert content.height == 2 * COMMITS
    wider = table.append(table.snapshot(), rows(7).with_columns(y=pl.lit("new")), 7 << 32)
    found = wider.scan().select("x", "y").sort("x").collect().rows()
    assert [found[0], found[1], found[-1]] == [(-7, "new"), (-6, None), (7, "new")]
    assert table.snapshot(1).scan().collect().height == 2


def test_many_small_files_become_one_and_nothing_else_changes(table: Table) -> None:
    before, told = table.snapshot(), []
    content = table.read(bookkeeping=True)
    assert (files(table), table.compact(told.append), files(table)) == (COMMITS, COMMITS, 1)
    assert told == ["compacting", "compacted"]
    after = table.snapshot()
    assert (after.number, after.version) == (before.number, before.version + 2)
    assert_frame_equal(table.read(bookkeeping=True), content)
    assert [table.read(version)["x"].len() for version in (1, 5, before.version)] == [2, 10, 2 * COMMITS]


def test_few_small_files_are_left_alone(table: Table) -> None:
    table.compact()
    assert table.compact() == 0
    now = table.append(table.snapshot(), rows(99), 99 << 32)
    assert (table.compact(), now.version, files(table)) == (0, table.version(), 2)


def test_a_writer_that_began_before_a_compaction_commits_after_it(table: Table) -> None:
    before = table.snapshot()
    table.compact()
    assert table.append(before, rows(99), 99 << 32).number == 99 << 32
    assert table.read()["x"].len() == 2 * COMMITS + 2


def test_a_commit_made_before_a_compaction_is_not_made_again(table: Table) -> None:
    last = table.snapshot().number
    table.compact()
    assert table.append(table.snapshot(), rows(COMMITS), last).number == last
    assert table.read()["x"].len() == 2 * COMMITS


@pytest.mark.parametrize("ahead", range(3))
def test_of_two_compactions_of_the_same_files_one_lands(table: Table, ahead: int, monkeypatch) -> None:
    """The other one begins, claims, or finishes while this one is about to join the files it has listed."""
    name = "opened" if ahead == 2 else "_newest"
    usual = getattr(delta, name)

    def interrupted(at: str) -> DeltaTable:
        mine = usual(at)
        monkeypatch.setattr(delta, name, usual)
        if ahead == 0:
            usual(at).alter.set_table_properties({delta._CLAIM: "theirs"}, raise_if_not_exists=False)
        else:
            assert table.compact() == COMMITS
        return mine

    monkeypatch.setattr(delta, name, interrupted)
    assert table.compact() == 0
    assert sorted(table.read()["x"]) == sorted(x for commit in range(1, COMMITS + 1) for x in (commit, -commit))


def test_of_two_compactions_that_claim_before_either_joins_the_last_to_claim_lands(table: Table, monkeypatch) -> None:
    usual, theirs = delta._newest, list[DeltaTable]()

    def claimed_by_others(at: str) -> DeltaTable:
        monkeypatch.setattr(delta, "_newest", usual)
        usual(at).alter.set_table_properties({delta._CLAIM: "theirs"}, raise_if_not_exists=False)
        theirs.append(usual(at))
        return usual(at)

    monkeypatch.setattr(delta, "_newest", claimed_by_others)
    assert table.compact() == 0
    assert theirs[0].optimize.compact()["numFilesRemoved"] == COMMITS
    assert sorted(table.read()["x"]) == sorted(x for commit in range(1, COMMITS + 1) for x in (commit, -commit))


@pytest.mark.parametrize("seed", range(int(os.environ.get("MILLRACE_FAULTS", "1"))))
def test_compactions_and_appends_at_once_lose_and_double_nothing(table: Table, seed: int) -> None:
    barrier, delays = threading.Barrier(4), random.Random(seed)

    def compact(delay: float) -> None:
        barrier.wait()
        threading.Event().wait(delay)
        table.compact()

    def append() -> None:
        barrier.wait()
        now = table.snapshot()
        for commit in range(COMMITS + 1, COMMITS + 6):
            now = table.append(now, rows(commit), commit << 32)

    works = [append, *(partial(compact, delays.uniform(0, 0.02)) for _ in range(3))]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(table.read()["x"].abs()) == sorted(2 * list(range(1, COMMITS + 6)))


def test_a_compaction_that_the_store_refuses_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "SMALL_FILES", COMMITS)
    table = filled(Store(tmp_path))
    log = tmp_path / "tables" / "meters" / "_delta_log"
    log.rename(log.with_name("_moved"))
    log.write_text("no folder")
    with pytest.raises(RemoteError, match=r"cannot be opened|could not be joined"):
        table.compact()
    log.unlink()
    log.with_name("_moved").rename(log)
    assert table.read()["x"].len() == 2 * COMMITS
