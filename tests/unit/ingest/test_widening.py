"""A column gets a wider type with every row and the position kept, whoever dies or writes meanwhile."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from millrace.errors import DataError
from millrace.ingest import widening
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.tables import Table
from unit.ingest.intake import settings

WIDER = {"columns": {"x": {"type": "text"}}, "contract": {"types": "evolve"}}


def bring(store, folder, run="run", **rules):
    return ingest("rows", settings(**{"from": "rows*.csv"}, **rules), store, folder, run)


def table(store):
    return Table(store, "tables/rows")


@pytest.fixture
def whole_numbers(store, tmp_path):
    (tmp_path / "rows-1.csv").write_text("id,x\n1,10\n2,\n3,30\n")
    bring(store, tmp_path, "first")


CASES = {
    "whole number to number": ([1, None], "number", [1.0, None]),
    "whole number to text": ([1, None], "text", ["1", None]),
    "number to text": ([1.5, 2.0], "text", ["1.5", "2"]),
    "date to date and time": ([date(2026, 1, 2)], "datetime", [datetime(2026, 1, 2)]),
    "date to text": ([date(2026, 1, 2)], "text", ["2026-01-02"]),
    "flag to text": ([True, None], "text", ["true", None]),
}


@pytest.mark.parametrize(("old", "kind", "new"), CASES.values(), ids=CASES)
def test_every_value_is_what_it_was_in_the_wider_type(store, tmp_path, old, kind, new):
    pl.DataFrame({"x": old}).write_parquet(tmp_path / "rows.parquet")
    told = {"from": "rows.parquet"}
    ingest("rows", settings(**told), store, tmp_path, "first")
    wider = settings(**told, columns={"x": {"type": kind}}, contract="evolve")
    done = ingest("rows", wider, store, tmp_path, "second")
    assert (table(store).read()["x"].to_list(), done.read, len(done.changes)) == (new, 0, 1)


@pytest.mark.usefixtures("whole_numbers")
class TestWholeNumbersThatBecomeTexts:
    def test_rows_before_and_after_stand_in_one_table(self, store, tmp_path):
        (tmp_path / "rows-2.csv").write_text("id,x\n4,forty\n")
        done = bring(store, tmp_path, "second", **WIDER)
        assert (done.kept, done.quarantined, done.changes) == (1, 0, ("`x` was integer and is text",))
        rows = table(store).read(bookkeeping=True).sort("id")
        assert rows.select("id", "x", "_run", "_row").rows() == [
            (1, "10", "first", 1),
            (2, None, "first", 2),
            (3, "30", "first", 3),
            (4, "forty", "second", 1),
        ]

    def test_nothing_is_read_again_and_nothing_is_written_twice(self, store, tmp_path):
        bring(store, tmp_path, "second", **WIDER)
        done = bring(store, tmp_path, "third", **WIDER)
        assert (done.read, done.changes, done.table_version) == (0, (), 2)
        last = receipts.read(store, "rows", table(store).snapshot().number)
        assert (last.totals, last.counts) == (Counts(read=3, kept=3), Counts())

    def test_an_older_version_keeps_its_type(self, store, tmp_path):
        bring(store, tmp_path, "second", **WIDER)
        assert table(store).read(1).schema["x"] == pl.Int64

    def test_rows_that_waited_for_the_type_move_in(self, store, tmp_path):
        (tmp_path / "rows-2.csv").write_text("id,x\n4,forty\n5,50\n")
        assert bring(store, tmp_path, "second").quarantined == 1
        bring(store, tmp_path, "third", **WIDER)
        done = replay("rows", settings(**{"from": "rows*.csv"}, **WIDER), store, "later")
        assert (done.kept, done.remaining) == (1, 0)
        assert landed_rows(store, "rows").collect().is_empty()
        assert sorted(table(store).read()["x"].drop_nulls()) == ["10", "30", "50", "forty"]

    def test_without_the_contract_or_for_a_narrower_type_the_table_stays(self, store, tmp_path):
        (tmp_path / "rows-2.csv").write_text("id,x\n4,1\n")
        with pytest.raises(DataError, match="`x` was Int64 and is String"):
            bring(store, tmp_path, "second", columns=WIDER["columns"])
        with pytest.raises(DataError, match="`x` was Int64 and is Boolean"):
            bring(store, tmp_path, "second", columns={"x": {"type": "boolean"}}, contract="evolve")
        assert table(store).read().height == 3

    def test_a_death_before_the_commit_leaves_no_trace(self, store, tmp_path, monkeypatch):
        def die(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Table, "replace", die)
            with pytest.raises(KeyboardInterrupt):
                bring(store, tmp_path, "dead", **WIDER)
        assert table(store).read().schema["x"] == pl.Int64
        bring(store, tmp_path, "later", **WIDER)
        assert table(store).read()["x"].to_list() == ["10", None, "30"]

    def test_rows_of_another_writer_that_came_first_are_widened_too(self, store, tmp_path, monkeypatch):
        real, came = widening.receipts.write, []

        def interrupted(*arguments):
            real(*arguments)
            if not came:
                came.append(1)
                (tmp_path / "rows-2.csv").write_text("id,x\n4,40\n")
                bring(store, tmp_path, "other")

        monkeypatch.setattr(widening.receipts, "write", interrupted)
        done = bring(store, tmp_path, "second", **WIDER)
        assert done.read == 0
        assert table(store).read().sort("id")["x"].to_list() == ["10", None, "30", "40"]
