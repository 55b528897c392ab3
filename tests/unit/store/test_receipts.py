from __future__ import annotations

import pytest

from millrace.errors import DataError
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt


def receipt(previous=0, **changes):
    said = {"position": {"row": 3}, "counts": Counts(1, 1), "totals": Counts(4, 4), "run": "r", "origin": "a.csv"}
    return Receipt(**({"previous": previous, "rules": "x", "at": "2026-01-01T00:00:00Z"} | said | changes))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_receipt_comes_back_as_written(store):
    receipts.write(store, "s", 1 << 32, receipt(reasons={"type": 2}))
    assert receipts.read(store, "s", 1 << 32) == receipt(reasons={"type": 2})


def test_the_first_try_of_a_commit_stays(store):
    receipts.write(store, "s", 1 << 32, receipt(run="first"))
    receipts.write(store, "s", 1 << 32, receipt(run="second"))
    assert receipts.read(store, "s", 1 << 32).run == "first"


def test_the_oldest_format_is_read(store):
    store.create(
        "commits/s/00000000004294967296.json",
        b'{"previous":0,"position":{"row":3},"counts":{"read":1,"kept":1,"quarantined":0,"duplicate":0,"late":0},'
        b'"totals":{"read":4,"kept":4,"quarantined":0,"duplicate":0,"late":0},"run":"r","origin":"a.csv","rules":"x",'
        b'"at":"2026-01-01T00:00:00Z","reasons":{},"format":1}',
    )
    assert receipts.read(store, "s", 1 << 32) == receipt()


def test_a_newer_format_is_refused(store):
    receipts.write(store, "s", 1 << 32, receipt(format=4))
    with pytest.raises(DataError, match="has format 4; this Millrace reads up to 3"):
        receipts.read(store, "s", 1 << 32)


def test_a_receipt_that_is_gone_is_named(store):
    with pytest.raises(DataError, match=r"commits/s/00000000004294967296\.json, which is gone"):
        receipts.read(store, "s", 1 << 32)


def test_the_same_try_has_the_same_number_and_another_has_another():
    first = receipts.number(0, {"a": 1, "b": 2})
    assert first == receipts.number(0, {"b": 2, "a": 1})
    assert first != receipts.number(0, {"a": 1, "b": 3})
    assert receipts.sequence(receipts.number(first, {})) == 2


def test_only_commits_that_took_effect_count_as_landed(store):
    first, second, third = 1 << 32 | 5, 2 << 32 | 5, 3 << 32 | 5
    receipts.write(store, "s", first, receipt())
    receipts.write(store, "s", 1 << 32 | 9, receipt())
    receipts.write(store, "s", second, receipt(previous=first))
    receipts.write(store, "s", third, receipt(previous=second))
    receipts.write(store, "s", 4 << 32 | 5, receipt(previous=third))
    receipts.write(store, "s-two", 1 << 32 | 3, receipt())
    assert receipts.landed(store, "s", third) == {first, second, third}
    assert receipts.landed(store, "s", 0) == frozenset()
