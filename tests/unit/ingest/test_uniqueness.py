"""No two kept rows share what must be unique; a row that repeats one is refused and names it, and no row is lost."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError, ProjectFileError
from millrace.ingest import keys
from millrace.ingest.compiling import compile_rules
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.uniqueness import settle
from millrace.records.ingestion import Counts
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import settings, take


def rows(*ids, **columns):
    return pl.DataFrame({"id": ids, **columns}, schema_overrides={"id": pl.Int64})


def refused(store):
    return landed_rows(store, "customers").sort("_batch", "_row").select("_row", "_reasons").collect().rows()


def kept(store, column="id"):
    return Table(store, "tables/customers").read(bookkeeping=True).sort("_row")[column].to_list()


def test_the_first_row_is_kept_and_a_later_one_names_it(store):
    done = take(store, [rows(7, 8, 7)], unique="id")
    assert (done.kept, done.quarantined, done.duplicate, dict(done.reasons)) == (2, 1, 0, {"unique": 1})
    assert refused(store) == [(3, "unique: id = '7' is taken by row 1")]


def test_a_row_of_an_earlier_batch_is_named_with_its_origin(store):
    take(store, [rows(7, 8), rows(9, 8), rows(9, 7)], unique="id")
    assert refused(store) == [
        (4, "unique: id = '8' is taken by row 2 of memory"),
        (5, "unique: id = '9' is taken by row 3 of memory"),
        (6, "unique: id = '7' is taken by row 1 of memory"),
    ]


def test_missing_values_are_never_the_same(store):
    assert take(store, [rows(None, None, 1), rows(None, 1)], unique="id").quarantined == 1


def test_several_columns_are_one_key_together_and_a_list_of_lists_is_several_keys(store, tmp_path):
    frame = rows(1, 1, 2, 2, place=["a", "b", "a", "a"])
    assert take(store, [frame], unique=["id", "place"]).quarantined == 1
    other = Store(tmp_path / "other")
    take(other, [frame], unique=[["id"], ["place"]])
    assert refused(other) == [
        (2, "unique: id = '1' is taken by row 1"),
        (3, "unique: place = 'a' is taken by row 1"),
        (4, "unique: place = 'a' is taken by row 1"),
    ]


def test_a_row_that_repeats_two_others_says_both(store):
    take(store, [rows(1, 2, 1, place=["a", "b", "b"])], unique=[["id"], ["place"]])
    assert refused(store) == [(3, "unique: id = '1' is taken by row 1; unique: place = 'b' is taken by row 2")]


def test_a_refused_row_keeps_no_other_out(store):
    """Row 2 fails a check and row 4 repeats row 1, so neither takes the place of row 3 or 5."""
    frame = rows(1, 2, 2, 1, 3, place=["a", "b", "c", "d", "d"])
    take(store, [frame], unique=[["id"], ["place"]], checks={"no_b": "place <> 'b'"})
    assert kept(store, "_row") == [1, 3, 5]


def test_a_duplicate_is_counted_and_not_refused(store):
    frame = rows(1, 1, 2, place=["a", "a", "a"])
    done = take(store, [frame], unique="place", clean=[{"drop_duplicates": "id"}])
    assert (done.kept, done.duplicate, done.quarantined) == (1, 1, 1)


def test_a_good_row_does_not_give_way_to_one_that_unique_refused(store):
    frame = rows(1, 2, 2, place=["a", "a", "b"])
    take(store, [frame], unique="place", clean=[{"drop_duplicates": "id"}])
    assert kept(store, "_row") == [1, 3]


def test_a_refused_row_moves_in_once_its_value_is_free(store):
    take(store, [rows(7, 7)], unique="id")
    assert replay("customers", settings(unique="id"), store, "still").left == 0
    done = replay("customers", settings(), store, "free")
    assert (done.left, done.kept, done.remaining) == (1, 1, 0)


def test_hashed_values_are_unique_by_their_hashes(store, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 43)
    take(store, [rows(1, 2, mail=["a@b", "a@b"]), rows(3, mail=["a@b"])], unique="mail", pii={"mail": "hash"})
    assert [said.startswith("unique: mail = 'hash:") for _, said in refused(store)] == [True, True]
    assert "a@b" not in json.dumps(refused(store))


@pytest.mark.parametrize("word", ["mask", "encrypt", "drop"])
def test_a_protected_column_that_cannot_tell_rows_apart_is_not_unique(word):
    with pytest.raises(ValueError, match="`mail` identifies rows"):
        settings(unique="mail", pii={"mail": word})


def test_an_unknown_column_is_refused_with_the_nearest():
    with pytest.raises(ProjectFileError, match="`ids` is not a column") as caught:
        compile_rules("s", settings(unique="ids"), {"id": pl.Int64()})
    assert (caught.value.where, caught.value.nearest) == ("sources.s.unique", "id")


def test_a_check_cannot_be_called_unique():
    with pytest.raises(ProjectFileError, match="built-in rule"):
        compile_rules("s", settings(checks={"unique": "id > 0"}), {"id": pl.Int64()})


def by_hand(batches, identity, unique):
    """One row after the other, with nothing but sets: what becomes of each."""
    taken = {columns: set() for columns in (*identity, *unique)}
    fates = []
    for row in (row for batch in batches for row in batch):
        values = {columns: tuple(row[column] for column in columns) for columns in taken}
        hits = [columns for columns in taken if None not in values[columns] and values[columns] in taken[columns]]
        fates.append("duplicate" if set(hits) & set(identity) else "refused" if hits else "kept")
        if fates[-1] == "kept":
            for columns, there in taken.items():
                there.add(values[columns])
    return fates


ROW = st.fixed_dictionaries(
    {"id": st.none() | st.integers(0, 4), "a": st.sampled_from(["x", "y", "z", None]), "b": st.integers(0, 3)}
)


@trying(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(ROW, min_size=1, max_size=9), min_size=1, max_size=4),
    identity=st.sampled_from([[], [("id",)], [("a", "b")]]),
    unique=st.sampled_from([[], [("id",)], [("a",)], [("a",), ("b",)], [("id", "b"), ("a",)]]),
)
def test_every_row_is_kept_refused_or_counted_as_if_looked_at_one_by_one(tmp_path_factory, batches, identity, unique):
    store = Store(tmp_path_factory.mktemp("law"))
    schema = {"id": pl.Int64, "a": pl.String, "b": pl.Int64}
    frames = [pl.DataFrame(batch, schema=schema, orient="row") for batch in batches]
    clean = [{"drop_duplicates": list(columns)} for columns in identity]
    done = take(store, frames, clean=clean, unique=[list(columns) for columns in unique])
    fates = by_hand(batches, identity, unique)
    places = Table(store, "tables/customers").read(bookkeeping=True)["_row"]
    assert sorted(places) == [at for at, fate in enumerate(fates, 1) if fate == "kept"]
    assert sorted(row for row, _ in refused(store)) == [at for at, fate in enumerate(fates, 1) if fate == "refused"]
    assert done.read == done.kept + done.quarantined + done.duplicate == len(fates)


def test_rows_that_repeat_in_a_long_chain_are_settled_in_their_order():
    """Each row shares one of two keys with the row before: every second one is kept."""
    frame = pl.DataFrame({"_row": range(1, 1001)}, schema={"_row": pl.Int64}).with_columns(
        (pl.col("_row") // 2).alias("a"), ((pl.col("_row") + 1) // 2).alias("b")
    )
    done = settle(frame, None, [keys.Key(("a",)), keys.Key(("b",))], None)
    assert done.kept["_row"].to_list() == list(range(1, 1001, 2))
    assert done.taken["taken"][0] == "unique: b = '1' is taken by row 1"


def test_the_totals_add_up_after_a_replay(store):
    take(store, [rows(1, 1, 2), rows(2, 3)], unique="id")
    last = Table(store, "tables/customers").snapshot().number
    assert receipts.read(store, "customers", last).totals == Counts(read=5, kept=3, quarantined=2)
    replay("customers", settings(), store, "free")
    last = Table(store, "tables/customers").snapshot().number
    assert receipts.read(store, "customers", last).totals == Counts(read=5, kept=5)


def test_what_unique_says_is_read_in_every_form():
    said = [SourceSettings.model_validate({"from": "a.csv", "unique": one}).uniques for one in ("a", ["a", "b"], [])]
    assert said == [(("a",),), (("a", "b"),), ()]
    with pytest.raises((ValueError, MillraceError)):
        settings(unique=["a", ["b"]])


def test_a_row_that_repeats_the_table_and_a_kept_row_of_its_batch_is_counted(store):
    """Its value is taken by the table, its identity by the row before it: it is delivered again, and nothing else."""
    frames = [rows(1, place=["x"]), rows(2, 2, place=["y", "x"])]
    done = take(store, frames, unique="place", clean=[{"drop_duplicates": "id"}])
    assert (done.kept, done.duplicate, done.quarantined) == (2, 1, 0)
