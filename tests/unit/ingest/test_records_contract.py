"""Rows of databases, APIs, own code and dlt are held to types and contract as rows of files are, and replayed."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing

import pytest

from api_server import Api
from millrace.config.schema import SourceSettings
from millrace.errors import DataError
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.tables import Table

#: What is there at first, and what comes then: a word that stands for no number, and a field that was not there.
FIRST = [{"id": 1, "age": 40}, {"id": 2, "age": 41}]
THEN = [{"id": 3, "age": "n/a"}, {"id": 4, "age": 43, "plan": "pro"}, {"id": 5, "age": 44}]
OWN = "import json, pathlib\ndef rows():\n    yield from json.loads(pathlib.Path({!r}).read_text())\n"
DLT = "import dlt\n" + OWN.replace("def rows", "@dlt.resource\ndef rows")


class Shop:
    """A source of some kind, to which rows come."""

    def __init__(self, kind, folder, store):
        self.kind, self.folder, self.store = kind, folder, store
        self.there = []
        self.said = {"key": "id", "columns": {"age": {"type": "integer"}}}

    def take(self, rows=(), **sections):
        self.there += rows
        return ingest("shop", self.settings(**sections), self.store, self.folder, "run")

    def settings(self, **sections):
        return SourceSettings.model_validate(self.said | self.place() | sections)

    def place(self):
        if self.kind == "sqlite":
            fields = list(dict.fromkeys(field for row in self.there for field in row))
            with closing(sqlite3.connect(self.folder / "shop.db")) as connection, connection:
                connection.execute("drop table if exists shop")
                connection.execute(f"create table shop ({', '.join(fields)})")
                marks = ", ".join("?" * len(fields))
                rows = [[row.get(field) for field in fields] for row in self.there]
                connection.executemany(f"insert into shop values ({marks})", rows)
            return {"from": f"sqlite:///{self.folder}/shop.db", "table": "shop"}
        if self.kind == "api":
            self.api.rows = self.there
            return {"from": self.api.url}
        (self.folder / "rows.json").write_text(json.dumps(self.there))
        (self.folder / f"{self.kind}_rows.py").write_text(
            (OWN if self.kind == "own" else DLT).format(str(self.folder / "rows.json"))
        )
        return {"use": f"{self.kind}_rows:rows"}

    def rows(self):
        return Table(self.store, "tables/shop").read().sort("id").to_dicts()

    def refused(self):
        return landed_rows(self.store, "shop").select("_rules", "_reasons", "_raw").collect().sort("_raw").rows()

    def totals(self):
        return receipts.read(self.store, "shop", Table(self.store, "tables/shop").snapshot().number).totals


@pytest.fixture(params=["sqlite", "api", "own", "dlt"])
def shop(request, project, store):
    if request.param == "dlt":
        pytest.importorskip("dlt", reason="needs the extra `dlt`")
    made = Shop(request.param, project, store)
    with Api() as made.api:
        yield made


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", ["", *sys.path])
    yield tmp_path
    for name in ("own_rows", "dlt_rows"):
        sys.modules.pop(name, None)


def test_a_value_of_another_type_is_refused_as_a_row_and_replayed_once_it_is_stated(shop):
    shop.take(FIRST)
    done = shop.take(THEN, contract="evolve")
    assert (done.read, done.kept, dict(done.reasons)) == (3, 2, {"type": 1})
    ((rules, reasons, raw),) = shop.refused()
    assert (rules, reasons) == (["type"], "type: age is not a whole number: 'n/a'")
    assert {name: value for name, value in json.loads(raw).items() if value is not None} == {"id": 3, "age": "n/a"}
    assert replay("shop", shop.settings(contract="evolve", missing=["n/a"]), shop.store, "later").kept == 1
    assert [row["age"] for row in shop.rows()] == [40, 41, None, 43, 44]
    assert shop.totals() == Counts(read=5, kept=5)


def test_a_new_field_stops_the_ingest_unless_the_contract_says_otherwise(shop):
    shop.take(FIRST)
    with pytest.raises(DataError, match=r"`plan` is new \(text\)"):
        shop.take(THEN)
    assert len(shop.rows()) == 2


def test_a_new_field_becomes_a_column_where_the_contract_lets_it(shop):
    shop.take(FIRST)
    done = shop.take(THEN, contract={"new_columns": "evolve"})
    assert [change.partition(": ")[2] for change in done.changes] == ["`plan` is new (text)"]
    assert [(row["id"], row["plan"]) for row in shop.rows()] == [(1, None), (2, None), (4, "pro"), (5, None)]


def test_a_new_field_refuses_the_rows_that_have_it_where_the_contract_says_so_and_they_wait(shop):
    shop.take(FIRST)
    done = shop.take(THEN, contract={"new_columns": "quarantine"}, missing=["n/a"])
    assert (done.kept, dict(done.reasons)) == (2, {"new_columns": 1})
    assert [row["id"] for row in shop.rows()] == [1, 2, 3, 5]
    assert replay("shop", shop.settings(contract="evolve", missing=["n/a"]), shop.store, "later").kept == 1
    assert [row["plan"] for row in shop.rows()] == [None, None, None, "pro", None]


def test_types_that_are_frozen_stop_at_a_value_of_another(shop):
    shop.take(FIRST)
    with pytest.raises(DataError, match="age is not a whole number: 'n/a'"):
        shop.take(THEN, contract={"new_columns": "evolve", "types": "freeze"})
    assert len(shop.rows()) == 2
