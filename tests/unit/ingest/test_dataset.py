from __future__ import annotations

import polars as pl
import pytest

from millrace.config.schema import ProjectSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.dataset import dataset
from millrace.ingest.stage import ingest_source
from unit.ingest.intake import Listed, settings


def project(*sources, sql=None):
    sections = {"sources": {name: {"from": "memory"} for name in sources}, "model": {"predict": "churn"}}
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
    rows, versions = dataset(project("customers"), filled)
    assert rows.rows() == [(1, "yes"), (2, "no"), (3, "no")]
    assert versions == {"customers": 1}


def test_a_query_joins_the_tables(filled):
    sql = """select c.id, c.churn, count(t.customer) as tickets, sum(t.hours)::decimal(9, 2) as hours
             from customers c left join tickets t on t.customer = c.id group by all"""
    rows, versions = dataset(project("customers", "tickets", sql=sql), filled)
    assert rows.rows() == [(1, "yes", 2, 2.0), (2, "no", 0, None), (3, "no", 1, 1.0)]
    assert rows.dtypes == [pl.Int64, pl.String, pl.Int64, pl.Float64]
    assert versions == {"customers": 1, "tickets": 1}


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
