"""Refused rows that pass a mended rule leave the quarantine exactly once, and the counts add up."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.errors import DataError, UsageError
from millrace.ingest import replay as module
from millrace.ingest.quarantine import export, show, summary
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest_source
from millrace.records.ingestion import Counts
from millrace.records.quarantine import Replayed
from millrace.store import receipts
from millrace.store.tables import Table
from unit.ingest.intake import FRAMES, RULES, Listed, settings, take

MENDED = RULES | {"missing": ["x"], "checks": {"tenure_positive": "tenure >= -5"}}


def totals(store):
    table = Table(store, "tables/customers").snapshot()
    return receipts.read(store, "customers", table.number).totals


def test_only_the_rows_that_pass_now_leave(store):
    take(store, FRAMES, **RULES)
    done = replay("customers", settings(**MENDED), store, "later")
    assert done == Replayed("customers", left=1, kept=1, duplicate=0, remaining=3, table_version=4)
    assert show(store, "customers", 9)["_row"].sort().to_list() == [4, 6, 8]
    (row,) = Table(store, "tables/customers").read(bookkeeping=True).filter(pl.col("id") == 4).to_dicts()
    assert row == {"id": 4, "charge": None, "tenure": 4, "_run": "later", "_origin": "memory", "_row": 5}


def test_the_counts_add_up_after_a_replay(store):
    take(store, FRAMES, **RULES)
    assert totals(store) == Counts(read=9, kept=3, quarantined=4, duplicate=2)
    replay("customers", settings(**MENDED), store, "later")
    assert totals(store) == Counts(read=9, kept=4, quarantined=3, duplicate=2)


def test_a_second_replay_moves_nothing_and_commits_nothing(store):
    take(store, FRAMES, **RULES)
    replay("customers", settings(**MENDED), store, "later")
    again = replay("customers", settings(**MENDED), store, "again")
    assert again == Replayed("customers", left=0, kept=0, duplicate=0, remaining=3, table_version=4)


def test_a_replay_does_not_move_the_source(store):
    take(store, FRAMES[:2], **RULES)
    replay("customers", settings(**MENDED), store, "later")
    assert take(store, FRAMES, **MENDED).read == 3


def test_a_row_that_came_in_meanwhile_leaves_as_a_duplicate(store):
    first, second = pl.DataFrame({"id": [1], "tenure": [-1]}), pl.DataFrame({"id": [1], "tenure": [2]})
    rules = {"key": "id", "clean": [{"drop_duplicates": "key"}]}
    take(store, [first, second], checks={"positive": "tenure >= 0"}, **rules)
    done = replay("customers", settings(**rules), store, "later")
    assert (done.left, done.kept, done.duplicate, done.remaining) == (1, 0, 1, 0)
    assert totals(store) == Counts(read=2, kept=1, duplicate=1)


def test_a_line_that_was_never_a_row_stays(store):
    source = Listed([pl.DataFrame({"id": range(90), "tenure": [1] * 89 + [-1]})], refused=['5,"'])
    ingest_source(source, "customers", settings(checks={"positive": "tenure >= 0"}), store, "run")
    assert show(store, "customers", 9)["_row"].to_list() == [90, 90]
    assert replay("customers", settings(), store, "later").left == 1
    assert [one.rule for one in summary(store)] == ["unreadable"]


class Stopped(Exception):  # noqa: N818 - it stands for a death, not for an error
    """The process ends here."""


@pytest.mark.parametrize("point", ["write", "once", "append"])
def test_a_replay_that_dies_before_its_commit_is_repeated_without_a_trace(store, monkeypatch, point):
    take(store, FRAMES, **RULES)
    owner = {"write": receipts, "once": module, "append": Table}[point]
    real = getattr(owner, point)

    def die(*arguments, **named):
        if point != "append" or arguments[0].key == "tables/customers":
            raise Stopped(point)
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, point, die)
        with pytest.raises(Stopped, match=point):
            replay("customers", settings(**MENDED), store, "dead")
    assert show(store, "customers", 9).height == 4
    assert replay("customers", settings(**MENDED), store, "later").left == 1
    assert Table(store, "tables/customers").read()["id"].to_list() == [1, 2, 4, 7]
    assert show(store, "customers", 9).height == 3


def test_a_replay_starts_over_when_another_writer_came_first(store, monkeypatch):
    take(store, FRAMES[:2], **RULES)
    real, came = module.once, []

    def interrupted(*arguments):
        real(*arguments)
        if not came:
            came.append(take(store, FRAMES, run="other", **RULES))

    monkeypatch.setattr(module, "once", interrupted)
    assert replay("customers", settings(**MENDED), store, "later").left == 1
    assert sorted(Table(store, "tables/customers").read()["id"]) == [1, 2, 4, 7]
    assert totals(store) == Counts(read=9, kept=4, quarantined=3, duplicate=2)


def test_a_type_that_the_table_does_not_have_is_an_error(store):
    take(store, FRAMES, **RULES)
    other = RULES | {"columns": {"charge": {"type": "text"}}}
    with pytest.raises(DataError, match="`charge` was Float64 and is String"):
        replay("customers", settings(**other), store, "later")


@pytest.mark.parametrize(
    ("ending", "reader"), [("csv", pl.read_csv), ("parquet", pl.read_parquet), ("ndjson", pl.read_ndjson)]
)
def test_refused_rows_are_exported_oldest_first(store, tmp_path, ending, reader):
    take(store, FRAMES, **RULES)
    done = export(store, "customers", tmp_path / f"refused.{ending}")
    found = reader(tmp_path / f"refused.{ending}")
    assert done.rows == 4
    assert found["_row"].to_list() == [4, 5, 6, 8]
    assert str(found["_reasons"][3]) == "tenure_positive: `tenure >= 0` does not hold: tenure = '-6'"


def test_an_unknown_ending_is_refused(store, tmp_path):
    take(store, FRAMES, **RULES)
    with pytest.raises(UsageError, match=r"cannot be written as `.*rows\.txt`"):
        export(store, "customers", tmp_path / "rows.txt")
