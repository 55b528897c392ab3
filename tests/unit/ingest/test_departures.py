"""Rows that went in a database go in its table, exactly once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.stage import ingest
from millrace.records.progress import Step
from millrace.store.objects import Store
from millrace.store.tables import Table


class Shop:
    """A table of customers, and its source."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.folder = folder
        self.store = Store(folder / "store")
        self.sections = {"from": "sqlite:///shop.db", "table": "customers", "key": "id", "cursor": "moved"} | sections
        self("create table customers (id text primary key, moved integer not null, plan text)")

    def __call__(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "shop.db")) as connection, connection:
            connection.execute(statement)

    def take(self, **watching: Any) -> Any:
        settings = SourceSettings.model_validate({name: said for name, said in self.sections.items() if said})
        return ingest("customers", settings, self.store, self.folder, "run", **watching)

    def rows(self) -> list[tuple[Any, ...]]:
        return sorted(Table(self.store, "tables/customers").read().rows())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    opened = Shop(tmp_path)
    opened("insert into customers values ('a', 1, 'free'), ('b', 2, 'free'), ('c', 3, 'free')")
    return opened


def test_unless_it_is_asked_for_nothing_leaves(shop: Shop) -> None:
    shop.take()
    shop("update customers set moved = 9, plan = 'paid' where id = 'a'")
    shop("delete from customers where id = 'b'")
    assert shop.take().kept == 1
    assert shop.rows() == [("a", 1, "free"), ("a", 9, "paid"), ("b", 2, "free"), ("c", 3, "free")]


def test_rows_that_are_gone_leave_and_one_that_comes_back_is_new(shop: Shop) -> None:
    shop.sections["on_delete"] = "remove"
    shop.take()
    shop("delete from customers where id = 'b'")
    assert shop.take().deleted == 1
    assert shop.rows() == [("a", 1, "free"), ("c", 3, "free")]
    shop("insert into customers values ('b', 2, 'back')")
    done = shop.take()
    assert (done.kept, done.deleted) == (1, 0)
    assert shop.rows() == [("a", 1, "free"), ("b", 2, "back"), ("c", 3, "free")]


def test_the_same_without_a_cursor(shop: Shop) -> None:
    shop.sections |= {"on_delete": "remove", "cursor": None}
    shop.take()
    shop("delete from customers where id = 'b'")
    assert shop.take().deleted == 1
    shop("insert into customers values ('b', 2, 'back')")
    assert shop.take().kept == 1
    assert shop.rows() == [("a", 1, "free"), ("b", 2, "back"), ("c", 3, "free")]


def test_a_refused_row_that_went_and_comes_back_mended_is_read_again(shop: Shop) -> None:
    shop.sections |= {"on_delete": "remove", "cursor": None, "checks": {"known": "plan != 'odd'"}}
    shop("insert into customers values ('d', 4, 'odd')")
    assert shop.take().quarantined == 1
    shop("delete from customers where id = 'd'")
    shop.take()
    shop("insert into customers values ('d', 4, 'free')")
    assert shop.take().kept == 1


def test_keys_are_compared_as_cleaning_writes_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 32)
    shop.sections |= {
        "on_delete": "remove",
        "clean": [{"trim": "all"}, {"case": {"id": "upper", "plan": "upper"}}, {"fill": {"plan": "none"}}],
        "pii": {"id": "hash"},
        "checks": {"early": "moved < 100"},
    }
    shop("update customers set id = ' ' || id where id = 'c'")
    shop.take()
    shop("delete from customers where id = 'a'")
    assert shop.take().deleted == 1
    assert sorted((moved, plan) for _, moved, plan in shop.rows()) == [(2, "FREE"), (3, "FREE")]


def test_when_most_are_gone_none_is_removed_until_that_is_allowed(shop: Shop) -> None:
    shop.sections["on_delete"] = "remove"
    shop.take()
    shop("delete from customers")
    shop("insert into customers values ('e', 5, 'new')")
    with pytest.raises(DataError, match="3 of 4 rows are gone from the source, more than 50%: none was removed"):
        shop.take()
    assert [row[0] for row in shop.rows()] == ["a", "b", "c", "e"]
    shop.sections["on_delete"] = {"remove": "100%"}
    assert shop.take().deleted == 3
    assert shop.rows() == [("e", 5, "new")]


def test_another_writer_in_between_leaves_every_row_in_one_place(shop: Shop) -> None:
    shop.sections["on_delete"] = "remove"
    shop.take()
    shop("delete from customers where id = 'b'")
    met = []

    def meanwhile(step: Step) -> None:
        if step.text.endswith(": compared") and not met:
            met.append(step)
            shop("insert into customers values ('d', 10, 'new')")
            shop.take()

    shop.take(watch=meanwhile)
    assert shop.rows() == [("a", 1, "free"), ("c", 3, "free"), ("d", 10, "new")]


def test_files_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    settings = SourceSettings.model_validate({"from": "a.csv", "key": "id", "on_delete": "remove"})
    with pytest.raises(ProjectFileError, match="sources that can say which rows are still there"):
        ingest("a", settings, Store(tmp_path / "store"), tmp_path, "run")


def test_the_latest_version_stays_of_those_that_stay(shop: Shop) -> None:
    shop.sections |= {"keep": "latest", "on_delete": "remove"}
    shop.take()
    shop("update customers set moved = 9, plan = 'paid' where id = 'a'")
    shop("delete from customers where id = 'b'")
    done = shop.take()
    assert (done.kept, done.replaced, done.deleted) == (1, 1, 1)
    assert shop.rows() == [("a", 9, "paid"), ("c", 3, "free")]
