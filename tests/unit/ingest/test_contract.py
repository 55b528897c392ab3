"""Columns that come, go or change their type: taken, stopped at or refused, as the source's contract says."""

from __future__ import annotations

import json
import sqlite3

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.errors import DataError
from millrace.ingest.changes import column_changes
from millrace.ingest.quarantine import show
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import settings, take

OLD = pl.DataFrame({"id": [1, 2], "x": ["a", "b"]})
WIDER = pl.DataFrame({"id": [3, 4], "x": ["c", "d"], "plan": [None, "pro"]})
NARROWER = pl.DataFrame({"id": [5]})


def rows(store, name="customers"):
    return Table(store, f"tables/{name}").read().to_dicts()


def totals(store, name="customers"):
    return receipts.read(store, name, Table(store, f"tables/{name}").snapshot().number).totals


def test_a_new_column_is_added_by_the_commit_that_brings_it_and_older_rows_have_no_value(store):
    done = take(store, [OLD, WIDER], contract={"new_columns": "evolve"})
    assert (done.kept, done.table_version, done.changes) == (4, 2, ("memory: `plan` is new (text)",))
    assert [row["plan"] for row in rows(store)] == [None, None, None, "pro"]


def test_an_older_version_keeps_the_columns_it_had(store):
    take(store, [OLD, WIDER], contract="evolve")
    assert Table(store, "tables/customers").read(1).columns == ["id", "x"]


def test_a_column_that_is_added_while_every_row_is_refused_is_there_for_the_next(store):
    take(
        store,
        [OLD, WIDER, WIDER.with_columns(id=pl.col("id") + 10)],
        contract="evolve",
        checks={"late": "id <> 3 and id <> 4"},
    )
    assert [row["plan"] for row in rows(store)] == [None, None, None, "pro"]


def test_a_row_with_a_value_in_an_unknown_column_is_refused_and_others_are_kept(store):
    done = take(store, [OLD, WIDER], contract={"new_columns": "quarantine"})
    assert (done.kept, done.reasons) == (3, {"new_columns": 1})
    (row,) = show(store, "customers", 9).to_dicts()
    assert row["_reasons"] == "new_columns: the table has no column `plan`: plan = 'pro'"
    assert json.loads(row["_raw"]) == {"id": 4, "x": "d", "plan": "pro"}


def test_rows_without_a_lost_column_have_no_value_there(store):
    done = take(store, [OLD, NARROWER], contract={"lost_columns": "evolve"}, checks={"known": "x is null or x <> ''"})
    assert (done.kept, done.changes) == (3, ("memory: `x` is gone",))
    assert rows(store)[2] == {"id": 5, "x": None}


def test_rows_without_a_lost_column_are_refused(store):
    done = take(store, [OLD, NARROWER], contract={"lost_columns": "quarantine"}, checks={"never": "x is not null"})
    assert done.reasons == {"lost_columns": 1, "never": 1}
    assert show(store, "customers", 9)["_reasons"][0].startswith("lost_columns: the column `x` is gone; never: ")


@pytest.mark.parametrize("contract", ["freeze", {"types": "quarantine"}, {"new_columns": "evolve"}], ids=str)
def test_a_frozen_contract_names_the_columns_and_commits_nothing(contract, store):
    take(store, [OLD])
    before = store.keys("")
    renamed = OLD.rename({"x": "y"})
    with pytest.raises(DataError, match=r"`y` is new \(text\); `x` is gone") as stopped:
        take(store, [OLD, renamed], contract=contract)
    assert "lost_columns: evolve" in stopped.value.next_step
    assert store.keys("") == before


def test_values_that_do_not_fit_stop_a_source_whose_types_are_frozen(store):
    frame = pl.DataFrame({"charge": ["1", "x"]})
    with pytest.raises(DataError, match=r"charge is not a number: 'x'"):
        take(store, [frame], contract={"types": "freeze"}, columns={"charge": {"type": "number"}})
    assert not Table(store, "tables/customers").exists


def test_a_broken_number_in_a_column_of_whole_numbers_is_refused_and_not_cut(store):
    done = take(store, [pl.DataFrame({"n": [1]}), pl.DataFrame({"n": [2.0, 2.5]})])
    assert (done.kept, done.reasons) == (2, {"type": 1})


def test_a_column_that_became_text_is_read_by_its_old_type(store):
    done = take(store, [pl.DataFrame({"n": [1]}), pl.DataFrame({"n": ["2", "two"]})])
    assert (done.reasons, rows(store)) == ({"type": 1}, [{"n": 1}, {"n": 2}])


def test_each_file_may_have_other_columns(store, tmp_path):
    (tmp_path / "1.csv").write_text("id,city\n1,Ulm\n")
    (tmp_path / "2.csv").write_text("plan,id,city\n7,2,Bonn\n8,3,Ulm\n")
    (tmp_path / "3.csv").write_text("id\n4\n")
    (tmp_path / "4.csv").write_text("id,city,plan\n5,Ulm,nine\n")
    source = SourceSettings(**{"from": "*.csv", "contract": "evolve"})
    done = ingest("customers", source, store, tmp_path, "run")
    assert (done.read, done.kept, done.reasons) == (5, 4, {"type": 1})
    assert [tuple(row.values()) for row in rows(store)] == [
        (1, "Ulm", None),
        (2, "Bonn", 7),
        (3, "Ulm", 8),
        (4, None, None),
    ]
    assert done.changes == (
        "2.csv: `plan` is new (integer)",
        "3.csv: `city` is gone",
        "3.csv: `plan` is gone",
    )


def test_new_keys_of_json_lines_are_noticed_at_the_next_ingest(store, tmp_path):
    source = SourceSettings(**{"from": "*.ndjson", "contract": {"new_columns": "evolve"}})
    (tmp_path / "1.ndjson").write_text('{"id": 1}\n')
    ingest("customers", source, store, tmp_path, "run")
    (tmp_path / "2.ndjson").write_text('{"id": 2}\n{"id": 3, "score": 0.5}\n')
    assert column_changes("customers", source, store, tmp_path) == (
        ["customers, 2.ndjson: `score` is new (number)"],
        [],
    )
    frozen = source.model_copy(update={"contract": "freeze"})
    (problem,) = column_changes("customers", frozen, store, tmp_path)[1]
    assert problem.startswith("customers, 2.ndjson: The columns changed since they were written down: `score` is new")
    ingest("customers", source, store, tmp_path, "run")
    assert [row["score"] for row in rows(store)] == [None, None, 0.5]


def test_a_table_of_a_database_may_be_altered_between_ingests(store, tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table customers (id integer, city text)")
        database.execute("insert into customers values (1, 'Ulm')")
    source = SourceSettings(**{"from": "sqlite:///shop.db", "table": "customers", "key": "id", "contract": "evolve"})
    ingest("customers", source, store, tmp_path, "run")
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("alter table customers add column score real")
        database.execute("alter table customers drop column city")
        database.execute("insert into customers values (2, 0.5)")
    done = ingest("customers", source, store, tmp_path, "run")
    assert done.changes == ("customers: `score` is new (number)", "customers: `city` is gone")
    assert rows(store) == [{"id": 1, "city": "Ulm", "score": None}, {"id": 2, "city": None, "score": 0.5}]


def test_refused_rows_bring_their_new_column_once_the_contract_lets_it_in(store):
    take(store, [OLD, WIDER], contract={"new_columns": "quarantine"})
    assert replay("customers", settings(contract={"new_columns": "freeze"}), store, "later").left == 0
    done = replay("customers", settings(contract={"new_columns": "evolve"}), store, "later")
    assert (done.left, done.kept, done.remaining) == (1, 1, 0)
    assert [row["plan"] for row in rows(store)] == [None, None, None, "pro"]
    assert (totals(store).read, totals(store).kept, totals(store).quarantined) == (4, 4, 0)


def test_rows_that_lost_a_column_stay_until_the_contract_lets_them_in(store):
    take(store, [OLD, NARROWER], contract={"lost_columns": "quarantine"})
    assert replay("customers", settings(contract={"lost_columns": "quarantine"}), store, "later").left == 0
    assert replay("customers", settings(contract={"lost_columns": "evolve"}), store, "later").kept == 1
    assert rows(store)[2] == {"id": 5, "x": None}


BATCHES = st.lists(
    st.tuples(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.integers(0, 4) | st.none(),
                    "x": st.sampled_from(["1", "2", "ja", ""]),
                    "plan": st.sampled_from(["pro", None]),
                }
            ),
            min_size=1,
            max_size=5,
        ),
        st.sets(st.sampled_from(["x", "plan"])),
    ),
    max_size=3,
)
CHOSEN = st.fixed_dictionaries(
    {
        "new_columns": st.sampled_from(["evolve", "quarantine"]),
        "lost_columns": st.sampled_from(["evolve", "quarantine"]),
    }
)


@tried(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, contract=CHOSEN, required=st.sampled_from([(), ("id",), ("id", "x")]), distinct=st.booleans())
def test_each_row_goes_where_a_plain_reading_of_the_rules_puts_it(
    batches, contract, required, distinct, tmp_path_factory
):
    batches = [([{"id": 9, "x": "1"}], set()), *batches]
    columns = {"id": pl.Int64, "x": pl.String, "plan": pl.String}
    frames = [
        pl.DataFrame(rows, {name: kind for name, kind in columns.items() if name in rows[0] and name not in absent})
        for rows, absent in batches
    ]
    store = Store(tmp_path_factory.mktemp("law"))
    said = {"x": {"type": "integer"}}
    clean = [{"drop_duplicates": "id"}] if distinct else []
    done = take(
        store, frames, contract=contract, columns=said, required=required, clean=clean, checks={"few": "id < 10"}
    )

    known, kept, refused, duplicate = {"id", "x"}, [], 0, 0
    for frame in frames:
        if contract["new_columns"] == "evolve":
            known |= set(frame.columns)
        lost = bool(known - set(frame.columns)) and contract["lost_columns"] == "quarantine"
        for row in frame.to_dicts():
            text = row.get("x") or None
            value = int(text) if text in ("1", "2") else None
            strange = any(value for name, value in row.items() if name not in known)
            absent = any({"id": row["id"], "x": value}[name] is None for name in required)
            if lost or strange or absent or (text == "ja"):
                refused += 1
            elif distinct and row["id"] is not None and row["id"] in [one for one, _ in kept]:
                duplicate += 1
            else:
                kept.append((row["id"], value))
    assert (done.kept, done.quarantined, done.duplicate) == (len(kept), refused, duplicate)
    assert Table(store, "tables/customers").read().select("id", "x").rows() == kept


def day(folder, number, text):
    (folder / f"day-{number}.csv").write_text(text)


def test_a_frozen_contract_stops_before_any_file_of_a_load_is_committed(store, tmp_path):
    days = settings(**{"from": "day-*.csv"})
    day(tmp_path, 1, "id,x\n1,a\n")
    assert ingest("days", days, store, tmp_path, "first").kept == 1
    day(tmp_path, 2, "id,x\n2,b\n")
    day(tmp_path, 3, "id,plan\n3,pro\n")
    said = r"in day-3\.csv `plan` is new and `x` is gone\. Nothing of this load was committed\."
    with pytest.raises(DataError, match=said) as caught:
        ingest("days", days, store, tmp_path, "second")
    assert (caught.value.code, len(rows(store, "days"))) == ("data.columns", 1)
    assert ingest("days", days.model_copy(update={"contract": "evolve"}), store, tmp_path, "third").kept == 2


def test_the_first_load_is_frozen_to_the_columns_of_its_first_file(store, tmp_path):
    day(tmp_path, 1, "id,x\n1,a\n")
    day(tmp_path, 2, "id\n2\n")
    with pytest.raises(DataError, match=r"in day-2\.csv `x` is gone"):
        ingest("days", settings(**{"from": "day-*.csv"}), store, tmp_path, "first")
    assert not list(store.keys("tables"))


def test_only_the_kind_of_change_that_is_frozen_stops_a_load(store, tmp_path):
    day(tmp_path, 1, "id,x\n1,a\n")
    day(tmp_path, 2, "id\n2\n")
    days = settings(**{"from": "day-*.csv"}, contract={"lost_columns": "quarantine"})
    done = ingest("days", days, store, tmp_path, "first")
    assert (done.kept, done.quarantined) == (1, 1)


def test_of_many_files_with_other_columns_the_first_are_named(store, tmp_path):
    day(tmp_path, 0, "id\n1\n")
    for number in range(1, 8):
        day(tmp_path, number, "id,x\n1,a\n")
    with pytest.raises(DataError, match=r"in day-5\.csv `x` is new \(and 2 more\)"):
        ingest("days", settings(**{"from": "day-*.csv"}), store, tmp_path, "first")
