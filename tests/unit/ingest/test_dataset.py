from __future__ import annotations

import hashlib
from datetime import date, datetime

import polars as pl
import pytest

from millrace.config.schema import ProjectSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.dataset import by_file, dataset
from millrace.ingest.query import Query
from millrace.ingest.stage import ingest_source
from millrace.records.dataset import Dataset
from millrace.store import datasets
from millrace.store.tables import Table
from unit.ingest.intake import Listed, settings
from unit.lineage.conftest import customers, ingest


def project(*sources, sql=None):
    sections = {
        "project": "churn",
        "sources": {name: {"from": "memory"} for name in sources},
        "model": {"predict": "churn"},
    }
    return ProjectSettings.model_validate(sections | ({"dataset": {"sql": sql}} if sql else {}))


@pytest.fixture
def filled(store):
    tables = {
        "customers": pl.DataFrame({"id": [1, 2, 3], "churn": ["yes", "no", "no"]}),
        "tickets": pl.DataFrame({"customer": [1, 1, 3], "hours": [0.5, 1.5, 1.0]}),
    }
    for name, frame in tables.items():
        ingest_source(Listed([frame]), name, settings(), store, "run")
    return store


def test_the_only_source_is_the_dataset(filled):
    rows, learned_from = dataset(project("customers"), filled)
    assert rows.rows() == [(1, "yes"), (2, "no"), (3, "no")]
    assert learned_from == Dataset("tables/customers", 1, {"customers": 1}, 3)


def test_a_query_joins_the_tables(filled):
    sql = """select c.id, c.churn, count(t.customer) as tickets, sum(t.hours)::decimal(9, 2) as hours
             from customers c left join tickets t on t.customer = c.id group by all"""
    rows, learned_from = dataset(project("customers", "tickets", sql=sql), filled)
    assert rows.rows() == [(1, "yes", 2, 2.0), (2, "no", 0, None), (3, "no", 1, 1.0)]
    assert rows.dtypes == [pl.Int64, pl.String, pl.Int64, pl.Float64]
    assert learned_from.tables == {"customers": 1, "tickets": 1}
    assert (learned_from.key, learned_from.version, learned_from.rows) == ("datasets/churn", 1, 3)
    assert learned_from.sql == hashlib.sha256(sql.encode()).hexdigest()


def test_a_query_may_name_its_own_parts(filled):
    rows, _ = dataset(
        project("customers", sql="with calm as (select * from customers where churn = 'no') from calm"), filled
    )
    assert rows["id"].to_list() == [2, 3]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select *\nfrom custmers", r"There is no table `custmers` \(line 2, column 6\)"),
        ("select nope from customers", 'column "nope" not found'),
        ("select a frm customers c", r"syntax error at or near \"customers\" \(line 1, column 14\)"),
        ("select 1; select 2", "There are 2 statements"),
        ("drop table customers", "Only SELECT statements"),
        ("attach 'x.db'", "Only SELECT statements"),
        ("select * from '/etc/passwd'", "There is no table `/etc/passwd`"),
        ("select * from read_text('/etc/passwd')", "file system operations are disabled"),
    ],
)
def test_a_wrong_query_is_told_where_and_why(sql, said, filled):
    with pytest.raises(ProjectFileError, match=said):
        dataset(project("customers", sql=sql), filled)


def test_a_misspelt_table_is_named_with_the_nearest(filled):
    with pytest.raises(ProjectFileError, match="no table") as caught:
        dataset(project("customers", sql="from custmers"), filled)
    assert caught.value.nearest == "customers"


def test_python_variables_are_not_tables(filled):
    with pytest.raises(ProjectFileError, match="no table `tables`"):
        dataset(project("customers", sql="from tables"), filled)


def test_nothing_ingested_is_said_so(store):
    with pytest.raises(DataError, match="Nothing was ingested yet from customers"):
        dataset(project("customers"), store)


def test_no_row_left_is_said_so(filled):
    with pytest.raises(DataError, match="Not one row is left"):
        dataset(project("customers", sql="select * from customers where id > 9"), filled)


JOIN = """select c.id, c.churn, count(t.customer) as tickets
          from customers c left join tickets t on t.customer = c.id group by all"""


def more(store, name, frame):
    """One more ingest of a source."""
    before = Table(store, f"tables/{name}").read()
    ingest_source(Listed([before, pl.DataFrame(frame)]), name, settings(), store, "again")


def test_the_same_query_over_the_same_tables_is_the_same_version(filled):
    settings = project("customers", "tickets", sql=JOIN)
    rows, first = dataset(settings, filled)
    again, second = dataset(settings, filled)
    assert first == second
    assert again.equals(rows)
    assert Table(filled, "datasets/churn").version() == 1


def test_a_new_row_makes_a_new_version_and_the_old_one_can_still_be_read(filled):
    settings = project("customers", "tickets", sql=JOIN)
    rows, first = dataset(settings, filled)
    more(filled, "tickets", {"customer": [2], "hours": [4.0]})
    _, second = dataset(settings, filled)
    assert (second.version, second.tables) == (2, {"customers": 1, "tickets": 2})
    assert datasets.read(filled, second)["tickets"].to_list() == [2, 1, 1]
    assert datasets.read(filled, first).equals(rows)


def test_a_table_that_the_query_does_not_name_is_no_input(filled):
    settings = project("customers", "tickets", sql="from customers")
    _, first = dataset(settings, filled)
    more(filled, "tickets", {"customer": [2], "hours": [4.0]})
    assert dataset(settings, filled)[1] == first
    assert first.tables == {"customers": 1}


def test_a_query_changed_and_changed_back_finds_its_old_version(filled):
    _, first = dataset(project("customers", sql="from customers"), filled)
    _, other = dataset(project("customers", sql="select id, churn, id * 2 as twice from customers"), filled)
    rows, back = dataset(project("customers", sql="from customers"), filled)
    assert (first.version, other.version) == (1, 2)
    assert back == first
    assert rows.columns == ["id", "churn"]


def test_a_version_whose_files_are_gone_is_made_again(filled):
    settings = project("customers", sql="from customers")
    rows, _ = dataset(settings, filled)
    dataset(project("customers", sql="select id from customers"), filled)
    Table(filled, "datasets/churn").snapshot().delta.vacuum(0, dry_run=False, enforce_retention_duration=False)
    again, made = dataset(settings, filled)
    assert made.version > 2
    assert again.equals(rows)


@pytest.mark.parametrize("drawn", ["random()", "current_date", "now()::varchar", "uuid()"])
def test_a_query_that_reads_the_clock_or_draws_is_asked_again(drawn, filled):
    assert not Query(f"select {drawn} as x from customers", ["customers"]).settled


def test_a_query_asked_again_with_the_same_answer_is_no_new_version(filled):
    settings = project("customers", sql="select id, churn, current_date > date '2020-01-01' as late from customers")
    assert dataset(settings, filled)[1].version == dataset(settings, filled)[1].version == 1
    drawn = project("customers", sql="select id, random() as x from customers")
    assert [dataset(drawn, filled)[1].version for _ in range(2)] == [2, 3]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("interval 1 day", "`x` is INTERVAL"),
        ("time '10:00'", "`x` is TIME"),
        ("[1, 2]", r"`x` is INTEGER\[\]"),
        ("{'a': 1}", "`x` is STRUCT"),
    ],
)
def test_a_column_of_no_single_values_is_refused_by_name(column, said, filled):
    with pytest.raises(ProjectFileError, match=said):
        dataset(project("customers", sql=f"select id, {column} as x from customers"), filled)


def test_a_name_kept_for_bookkeeping_is_refused(filled):
    with pytest.raises(ProjectFileError, match="`_row` is a name that Millrace keeps"):
        dataset(project("customers", sql="select id as _row from customers"), filled)


def test_every_type_of_single_values_is_read_back_as_it_was_made(filled):
    sql = """select id, null as n, true as b, 'a'::enum('a', 'b') as e, date '2026-01-02' as d,
             1.50::decimal(9, 2) as m,
             timestamp_ns '2026-01-02 03:04:05' as t, 7::utinyint as u, 'é' as s from customers where id = 1"""
    rows, _ = dataset(project("customers", sql=sql), filled)
    assert rows.row(0) == (1, None, True, "a", date(2026, 1, 2), 1.5, datetime(2026, 1, 2, 3, 4, 5), 7, "é")


def test_a_writer_that_died_before_its_recipe_was_noted_loses_nothing(filled, monkeypatch):
    settings = project("customers", sql="from customers")
    with monkeypatch.context() as patched:
        patched.setattr(type(filled), "create", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt("killed here")))
        with pytest.raises(KeyboardInterrupt, match="killed here"):
            dataset(settings, filled)
    assert dataset(settings, filled)[1].version == 1
    assert list(datasets.made_versions(filled, "churn")) == [1]


def test_rows_are_told_apart_by_file(store):
    ingest(store, "customers", {"a.csv": customers(1, 2), "b.csv": customers(3)}, "r1")
    parts = by_file(project("customers"), store)
    assert {name: part["id"].to_list() for name, part in parts.items()} == {"a.csv": [1, 2], "b.csv": [3]}


def test_a_project_of_several_sources_has_no_files_to_compare(filled):
    assert by_file(project("customers", "tickets", sql="from customers"), filled) == {}
