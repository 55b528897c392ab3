"""A row that a file's reader could not type is refused as a row, and moves in once the type was mended."""

from __future__ import annotations

import json
import os

import polars as pl
import pytest

from millrace.errors import DataError
from millrace.ingest.erase import erase
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.tables import Table
from unit.ingest.intake import settings

KEY = "k" * 43


def bring(store, folder, text, name="rows.csv", run="run", **rules):
    (folder / name).write_text(text)
    told = settings(**{"from": "rows*.csv"}, **rules)
    return ingest("rows", told, store, folder, run), told


def refused(store):
    rows = landed_rows(store, "rows").sort("_batch", "_row")
    return rows.select("_row", "_rules", "_reasons", "_raw").collect().rows()


STATED = {"columns": {"age": {"type": "integer"}}}


def test_it_is_refused_by_its_type_with_the_row_as_it_was(store, tmp_path):
    done, _ = bring(store, tmp_path, "id,age,name\n1,40,Ada\n2,old,Bob\n3,41,Cyd\n", **STATED)
    assert (done.read, done.kept, done.quarantined, dict(done.reasons)) == (3, 2, 1, {"type": 1})
    assert refused(store) == [
        (2, ["type"], "type: age is not a whole number: 'old'", '{"id":2,"age":"old","name":"Bob"}')
    ]
    assert Table(store, "tables/rows").read(bookkeeping=True)["_row"].to_list() == [1, 3]


def test_a_row_with_several_of_them_and_a_broken_check_says_all(store, tmp_path):
    rules = {"columns": {"age": {"type": "integer"}, "size": {"type": "number"}}, "checks": {"known": "id < 5"}}
    bring(store, tmp_path, "id,age,size\n1,2,3\n9,old,big\n", **rules)
    assert refused(store)[0][2] == (
        "type: age is not a whole number: 'old'; type: size is not a number: 'big'; "
        "known: `id < 5` does not hold: id = '9'"
    )


def test_a_row_beside_it_that_fails_a_check_has_its_values_as_they_were(store, tmp_path):
    rules = {"columns": {"age": {"type": "integer"}, "x": {"type": "number"}}, "checks": {"grown": "age > 17"}}
    bring(store, tmp_path, 'id,age,x,name\n1,old,1.5,"a ""{}"" b"\n2,3,1.5,\n3,4,big,Cyd\n4,,,Dan\n', **rules)
    assert [raw for *_, raw in refused(store)] == [
        '{"id":1,"age":"old","x":1.5,"name":"a \\"{}\\" b"}',
        '{"id":2,"age":3,"x":1.5,"name":null}',
        '{"id":3,"age":4,"x":"big","name":"Cyd"}',
    ]
    done = replay("rows", settings(**{"from": "rows*.csv"}, columns=rules["columns"]), store, "later")
    assert (done.left, done.remaining) == (1, 2)
    assert Table(store, "tables/rows").read().sort("id").rows() == [(2, 3, 1.5, None), (4, None, None, "Dan")]


def test_the_personal_values_beside_it_stay_protected(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)
    bring(store, tmp_path, "id,age\n1,ada\n2,31337\n", pii={"age": "hash"}, checks={"first": "id < 2"}, **STATED)
    assert [json.loads(raw)["age"][:5] for *_, raw in refused(store)] == ["hash:", "hash:"]
    assert "31337" not in str(refused(store))


def test_a_missing_marker_that_is_stated_later_lets_exactly_its_rows_in(store, tmp_path):
    bring(store, tmp_path, "id,age\n1,40\n2,n/a\n3,old\n4,n/a\n", **STATED)
    mended = settings(**{"from": "rows*.csv"}, **STATED, missing=["n/a"])
    done = replay("rows", mended, store, "later")
    assert (done.left, done.kept, done.remaining) == (2, 2, 1)
    kept = Table(store, "tables/rows").read(bookkeeping=True).sort("id")
    assert kept.select("id", "age", "_row").rows() == [(1, 40, 1), (2, None, 2), (4, None, 4)]
    last = Table(store, "tables/rows").snapshot().number
    assert receipts.read(store, "rows", last).totals == Counts(read=4, kept=3, quarantined=1)


def test_a_line_that_is_no_row_stays_when_a_row_of_the_same_number_leaves(store, tmp_path):
    """The line is counted by line, the row by row: both are 2 here."""
    bring(store, tmp_path, "id,age\n1\n1,40\n2,n/a\n", **STATED)
    assert sorted((row, rules) for row, rules, *_ in refused(store)) == [(2, ["type"]), (2, ["unreadable"])]
    done = replay("rows", settings(**{"from": "rows*.csv"}, **STATED, missing=["n/a"]), store, "later")
    assert (done.left, done.remaining) == (1, 1)
    assert [rules for _, rules, *_ in refused(store)] == [["unreadable"]]


def test_a_later_file_whose_values_do_not_fit_the_table_is_refused_by_row(store, tmp_path):
    bring(store, tmp_path, "id,age\n1,40\n", name="rows-1.csv")
    done, told = bring(store, tmp_path, "id,age\n2,41\n3,forty\n", name="rows-2.csv", run="second")
    assert (done.kept, done.quarantined) == (1, 1)
    assert refused(store)[0][3] == '{"id":3,"age":"forty"}'
    assert replay("rows", told, store, "later").left == 0


def test_personal_values_of_such_a_row_are_protected_column_by_column(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)
    rules = {"pii": {"mail": "hash", "phone": "mask"}, "columns": {"age": {"type": "integer"}}}
    bring(store, tmp_path, "id,age,mail,phone\n1,old,ada@example.org,0207 946 001\n2,3,b@c,1\n", **rules)
    ((_, _, reasons, raw),) = refused(store)
    row = json.loads(raw)
    assert row["mail"].startswith("hash:")
    assert (row["id"], row["age"], row["phone"]) == (1, "old", "**** **6 001")
    assert "ada" not in reasons + raw


def test_a_personal_value_that_does_not_fit_is_protected_too(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)
    bring(store, tmp_path, "id,age\n1,ada\n2,3\n", pii={"age": "hash"}, **STATED)
    ((_, _, reasons, raw),) = refused(store)
    assert "ada" not in reasons + raw
    assert json.loads(raw)["age"].startswith("hash:")


def test_a_person_in_such_a_row_is_found_and_erased(store, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "MILLRACE_PII_KEY", KEY)
    bring(store, tmp_path, "id,age\n1,old\n2,3\n7,old\n", key="id", **STATED)
    done = erase("rows", store, {"id": "7"}, "me", now=True)
    assert done.removed["quarantine/rows"] == 1
    assert [json.loads(raw)["id"] for *_, raw in refused(store)] == [1]


def test_frozen_types_stop_at_such_a_row(store, tmp_path):
    with pytest.raises(DataError, match="age is not a whole number: 'old'"):
        bring(store, tmp_path, "id,age\n1,old\n", contract={"types": "freeze"}, **STATED)


def test_parquet_rows_are_refused_and_replayed_likewise(store, tmp_path):
    pl.DataFrame({"id": [1, 2], "age": ["40", "n/a"]}).write_parquet(tmp_path / "rows.parquet")
    told = settings(**{"from": "rows.parquet"}, **STATED)
    assert ingest("rows", told, store, tmp_path, "run").quarantined == 1
    assert replay("rows", told.model_copy(update={"missing": ("n/a",)}), store, "later").kept == 1
