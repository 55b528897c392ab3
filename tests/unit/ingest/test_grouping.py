"""Many small files are committed together, and every row is where it would be had each been committed alone."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.ingest import grouping
from millrace.ingest.grouping import grouped
from millrace.ingest.places import Places
from millrace.ingest.quarantine import REPLAYED, show
from millrace.ingest.refusals import grouped as refused_by
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.ingest.suppression import suppress
from millrace.lineage.graph import gather
from millrace.privacy.keys import keys_from
from millrace.records.batch import Batch, Piece
from millrace.records.erasure import Suppression
from millrace.records.ingestion import Counts
from millrace.sources.base import Refusal, misfits, refused
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table

DAYS = {
    "day-1.csv": "id,n\n1,5\n2,-1\n3,x\n",
    "day-2.csv": "id,n\n4,1\n5,-2\n6,7,8\n",
    "day-3.csv": "id,n\n",
    "day-4.csv": "id,n\n1,9\n7,3\n",
}
KEY = "0123456789abcdef" * 2
RULES = {"columns": {"n": {"type": "number"}}, "checks": {"positive": "n >= 0"}}


@pytest.fixture
def days(tmp_path):
    """Ingest `DAYS` under some rules, as one source."""
    for name, text in DAYS.items():
        (tmp_path / name).write_text(text)

    def take(store=None, **rules):
        store = store or Store(tmp_path / "store")
        settings = SourceSettings.model_validate({"from": "day-*.csv", **RULES, **rules})
        return store, ingest("days", settings, store, tmp_path, "run")

    return take


def rests(store):
    table = Table(store, "tables/days").read(bookkeeping=True)
    refused = show(store, "days", 99).drop("_at", "_batch").sort("_origin", "_row")
    # Beside a value that is none, the others of its column are kept as texts too.
    refused = refused.with_columns(pl.col("_raw").str.replace_all('"', ""))
    return table.rows(), refused.rows()


def test_small_files_are_one_commit_and_rows_rest_as_from_files_committed_one_by_one(days, tmp_path, monkeypatch):
    store, done = days()
    assert (done.read, done.kept, done.quarantined, done.files, done.table_version) == (8, 4, 4, 4 - 1, 1)
    kept, refused = rests(store)
    assert kept == [
        (1, 5.0, "run", "day-1.csv", 1),
        (4, 1.0, "run", "day-2.csv", 1),
        (1, 9.0, "run", "day-4.csv", 1),
        (7, 3.0, "run", "day-4.csv", 2),
    ]
    assert [(row[2], row[3], row[4]) for row in refused] == [
        ("day-1.csv", 2, ["positive"]),
        ("day-1.csv", 3, ["type"]),
        ("day-2.csv", 2, ["positive"]),
        ("day-2.csv", 4, ["unreadable"]),
    ]
    monkeypatch.setattr(grouping, "MOST_ROWS", 0)
    alone, one_by_one = days(Store(tmp_path / "alone"))
    assert one_by_one.table_version > 1
    assert rests(alone) == (kept, refused)
    assert days(store)[1].read == 0


def test_every_file_has_its_own_counts(days):
    store, _ = days(key="id", clean=[{"drop_duplicates": "id"}])
    last = receipts.read(store, "days", Table(store, "tables/days").snapshot().number)
    assert last.origins == {
        "day-1.csv": Counts(read=3, kept=1, quarantined=2),
        "day-2.csv": Counts(read=3, kept=1, quarantined=2),
        "day-4.csv": Counts(read=2, kept=1, duplicate=1),
    }
    assert last.format == receipts.FORMAT
    groups = [(one.name, one.rows, one.read) for one in refused_by(store, "days", "origin")]
    assert groups == [("day-1.csv", 2, 3), ("day-2.csv", 2, 3), ("day-4.csv", 0, 2)]
    files = [(node.name, node.facts["kept"]) for node in gather(store, ["days"], "none").nodes if node.kind == "file"]
    assert sorted(files) == [("day-1.csv", 1), ("day-2.csv", 1), ("day-4.csv", 1)]


def test_persons_who_were_erased_are_counted_where_they_were_read(days, tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)
    store = Store(tmp_path / "store")
    keys = keys_from({"MILLRACE_PII_KEY": KEY}, "erase")
    suppress(store, "days", {"id": "1"}, keys, Suppression(("id",), "2026-01-01", "me"))
    _, done = days(store)
    last = receipts.read(store, "days", Table(store, "tables/days").snapshot().number)
    assert done.erased == 2
    assert [(name, counts.erased, counts.duplicate) for name, counts in last.origins.items()] == [
        ("day-1.csv", 1, 0),
        ("day-2.csv", 0, 0),
        ("day-4.csv", 1, 0),
    ]


def test_a_value_that_is_taken_names_row_and_file(days):
    store, _ = days(unique=["id"])
    (taken,) = show(store, "days", 99).filter(pl.col("_rules").list.contains("unique")).to_dicts()
    assert (taken["_origin"], taken["_row"]) == ("day-4.csv", 1)
    assert taken["_reasons"] == "unique: id = '1' is taken by row 1 of day-1.csv"


def test_a_replay_takes_the_row_of_one_file_and_leaves_that_of_another(days, tmp_path):
    store, _ = days()
    mended = SourceSettings.model_validate({"from": "day-*.csv", **RULES, "checks": {"positive": "n >= -1"}})
    assert replay("days", mended, store, "later").kept == 1
    stays = show(store, "days", 99).filter(pl.col("_row") == 2)
    assert stays["_origin"].to_list() == ["day-2.csv"]
    assert replay("days", mended, store, "again").left == 0


def test_rows_that_an_older_replay_took_out_stay_out(days):
    """Before rows of several files were committed together, `replayed` did not name the origin."""
    store, _ = days()
    number = Table(store, "tables/days").snapshot().number
    old = pl.DataFrame({"_of": [number], "_row": [3], "_batch": [number]})
    table = Table(store, f"{REPLAYED}/days")
    table.append(table.snapshot(), old, 1)
    assert (3, ["type"]) not in show(store, "days", 99).select("_row", "_rules").rows()
    mended = SourceSettings.model_validate({"from": "day-*.csv", **RULES, "checks": {"positive": "n >= -1"}})
    assert replay("days", mended, store, "later").kept == 1
    assert show(store, "days", 99)["_row"].to_list() == [2, 4]


def batch(origin, ids, lines=(), odd=(), first=1, **columns):
    frame = pl.DataFrame({"id": ids, **columns}, schema_overrides={"id": pl.Int64})
    broken = refused(Refusal(line, None, "why", "raw") for line in lines)
    return Batch(frame, broken, origin, first, {"done": origin}, misfits=misfits(odd) if odd else None)


def test_joined_batches_say_whose_rows_are_whose():
    batches = [
        batch("a", [1, 2], odd=[(1, "id", "x")]),
        batch("a", [], [4], first=3),
        batch("b", [3], odd=[(0, "id", "y")]),
    ]
    (one,) = grouped(iter(batches))
    assert one.pieces == (Piece("a", 1, 2, 1), Piece("b", 1, 1, 0))
    assert (one.origin, one.position, one.read) == ("a to b", {"done": "b"}, 4)
    assert one.misfits.rows() == [(1, "id", "x"), (2, "id", "y")]
    assert Places.of(one).lines(one.refused)["_origin"].to_list() == ["a"]


def test_what_goes_on_in_one_file_keeps_its_name_and_place():
    (one,) = grouped(iter([batch("a", [7, 8], first=6), batch("a", [], [9], first=8)]))
    assert (one.pieces, one.origin, one.first_row, one.read) == ((), "a", 6, 3)


def test_batches_of_other_columns_or_too_many_rows_stay_apart(monkeypatch):
    monkeypatch.setattr(grouping, "MOST_ROWS", 3)
    batches = [batch("a", [1, 2]), batch("b", [3]), batch("c", [4]), batch("d", [5], more=[1]), batch("e", [6])]
    assert [one.origin for one in grouped(iter(batches))] == ["a to b", "c", "d", "e"]
    assert list(grouped(iter([]))) == []


def test_files_before_one_that_cannot_be_read_are_committed(days, tmp_path):
    store, _ = days(contract="evolve")
    (tmp_path / "day-5.csv").write_text("id,n\n8,1\n")
    (tmp_path / "day-6.csv").write_bytes(b"PK\x03\x04 an archive, whatever its name says")
    with pytest.raises(SourceError, match=r"`day-6.csv` is not delimited text"):
        days(store, contract="evolve")
    assert receipts.read(store, "days", Table(store, "tables/days").snapshot().number).totals.read == 9
