from __future__ import annotations

from dataclasses import replace

import pytest

from millrace.errors import UsageError
from millrace.ingest.quarantine import export, show
from millrace.ingest.refusals import grouped, matching
from millrace.records.quarantine import RefusedGroup
from millrace.store import receipts
from millrace.store.tables import Table
from unit.ingest.intake import FRAMES, RULES, take
from unit.lineage.conftest import customers, ingest

RULE = {"old": "tenure >= 0"}


@pytest.fixture
def two_loads(store):
    """Of three files in two loads, the first has two rows that are refused, the second one, the third none."""
    first = {"data/a.csv": customers(0, 1, 2), "data/b.csv": customers(1, 5)}
    ingest(store, "customers", first, "r1", checks=RULE)
    ingest(store, "customers", first | {"data/c.csv": customers(7, 8)}, "r2", checks=RULE)
    return store


def counted(groups):
    return [(group.name, group.rows, group.read) for group in groups]


def test_by_load_a_load_without_refusals_is_there_too(two_loads):
    assert counted(grouped(two_loads, "customers", "load")) == [("r1", 3, 5), ("r2", 0, 2)]


def test_by_origin_and_by_source(two_loads):
    by_origin = [("data/a.csv", 2, 3), ("data/b.csv", 1, 2), ("data/c.csv", 0, 2)]
    assert counted(grouped(two_loads, "customers", "origin")) == by_origin
    assert grouped(two_loads, "customers", "source") == (RefusedGroup("customers", "source", "", 3, 7),)
    assert grouped(two_loads, "customers", "source")[0].share == 3 / 7


def test_by_day_every_commit_counts_on_the_day_of_its_receipt(two_loads, monkeypatch):
    whole = receipts.read

    def dated(store, source, number):
        receipt = whole(store, source, number)
        return replace(receipt, at="2026-05-02T10:00:00") if receipt.run == "r2" else receipt

    today = whole(two_loads, "customers", Table(two_loads, "tables/customers").snapshot().number).at[:10]
    monkeypatch.setattr(receipts, "read", dated)
    assert counted(grouped(two_loads, "customers", "day")) == [(today, 3, 5), ("2026-05-02", 0, 2)]


def test_rows_are_found_by_rule(store):
    take(store, FRAMES, **RULES)
    assert matching(store, "customers", rule="tenure_positive").collect()["_row"].sort().to_list() == [4, 6, 8]


@pytest.mark.parametrize("origin", ["data/a.csv", "a.csv", "*/a*"])
def test_rows_are_found_by_origin_path_end_or_glob(origin, two_loads):
    rows = show(two_loads, "customers", 9, matching(two_loads, "customers", origin=origin))
    assert rows["_origin"].unique().to_list() == ["data/a.csv"]
    assert rows.height == 2


def test_a_misspelt_rule_is_told_with_the_nearest(store):
    take(store, FRAMES, **RULES)
    with pytest.raises(UsageError, match="No row was refused with the rule `tenure_positiv`") as caught:
        matching(store, "customers", rule="tenure_positiv")
    assert caught.value.nearest == "tenure_positive"


def test_an_unknown_origin_is_told_with_what_there_is(two_loads):
    with pytest.raises(UsageError, match=r"the origin `c\.csv`") as caught:
        matching(two_loads, "customers", origin="c.csv")
    assert caught.value.allowed == ("data/a.csv", "data/b.csv")


def test_another_way_to_group_is_refused(two_loads):
    with pytest.raises(UsageError, match="not counted by `hour`"):
        grouped(two_loads, "customers", "hour")


def test_only_the_rows_asked_for_are_exported(two_loads, tmp_path):
    rows = matching(two_loads, "customers", origin="b.csv")
    assert export(two_loads, "customers", tmp_path / "out.csv", rows).rows == 1
