"""A query from a stranger's project file reaches nothing but the tables it was given, and writes nothing."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.query import Query

_REFUSED = r"operations are disabled|There is no table|does not exist|disabled by configuration|Missing Extension"
TABLES = {"customers": pl.LazyFrame({"id": [1]})}


@pytest.fixture
def secret(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    (tmp_path / "secret.csv").write_text("word\nhunter2\n")
    (tmp_path / "secret.json").write_text('[{"word": "hunter2"}]')
    pl.DataFrame({"word": ["hunter2"]}).write_parquet(tmp_path / "secret.parquet")
    return tmp_path


@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('secret.csv')",
        "from read_csv_auto('secret.csv')",
        "from read_text('secret.csv')",
        "from read_blob('secret.csv')",
        "from read_json('secret.json')",
        "from read_parquet('secret.parquet')",
        "from parquet_metadata('secret.parquet')",
        "from parquet_schema('secret.parquet')",
        "select Delimiter from sniff_csv('secret.csv')",
        "from glob('*')",
        "from 'secret.csv'",
        'from "secret.parquet"',
        "from query('select * from ''secret.csv''')",
        "from query_table('secret.csv')",
        "from json_execute_serialized_sql(json_serialize_sql('from read_text(''secret.csv'')'))",
        "select getenv('DATABASE_PASSWORD') as word",
        "from read_csv('http://127.0.0.1:9/x.csv')",
        "from sqlite_scan('x.db', 't')",
        "select * from customers where id in (select size from read_text('secret.csv'))",
    ],
)
def test_no_file_variable_or_address_is_read(sql, secret):
    with pytest.raises(ProjectFileError, match=_REFUSED) as caught:
        Query(sql, TABLES).answer(TABLES)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "copy customers to 'out.csv'",
        "copy (select 1) to 'out.parquet'",
        "export database 'out'",
        "attach 'out.db'",
        "install httpfs",
        "load 'out.so'",
        "create table t as select 1",
        "create secret s (type s3)",
        "set enable_external_access = true",
        "pragma enable_profiling",
        "call pragma_version()",
        "select 1; copy customers to 'out.csv'",
    ],
)
def test_nothing_is_written_loaded_or_set(sql, secret):
    before = sorted(path.name for path in secret.iterdir())
    with pytest.raises(ProjectFileError, match=r"one select statement|Only SELECT|syntax|statements"):
        Query(sql, TABLES).answer(TABLES)
    assert sorted(path.name for path in secret.iterdir()) == before


def test_a_session_tells_nothing_of_this_machine(secret):
    """Settings can be read, but none of them holds a secret of the process."""
    rows = Query("select name, value from duckdb_settings() where value is not null", []).answer({})
    assert not [value for value in rows["value"].to_list() if "hunter2" in value]
