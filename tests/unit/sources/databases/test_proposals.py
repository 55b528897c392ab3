import sqlite3
from contextlib import closing
from urllib.parse import unquote, urlsplit

import pytest

from databases import SECRET
from millrace.errors import ProjectFileError, SourceError, UsageError
from millrace.project import Project
from millrace.sources.proposing.project_file import propose

HOSTILE = "weird\"'`; drop table customers; --"
CUSTOMERS = (
    "create table customers (id integer primary key, plan varchar(9), age integer, "
    'updated_at {moment} not null, "{hostile}" varchar(9), churned varchar(9))'
)
STATEMENTS = [
    "drop table if exists customers",
    "drop table if exists order_lines",
    CUSTOMERS,
    "create index changed on customers (updated_at)",
    "create table order_lines (line int, order_id int, x int, created_at {moment}, primary key (line, order_id))",
    *(
        f"insert into customers values ({n}, '{'ab'[n % 2]}', {20 + n}, '2026-01-{n:02} 10:00:00', 'x', '{n % 3}')"
        for n in range(1, 29)
    ),
    *(f"insert into order_lines values ({n % 3}, {n // 3}, {n}, '2026-01-01 10:00:00')" for n in range(9)),
]


def run(kind, url, folder):
    if kind == "sqlite":
        connection = sqlite3.connect(folder / "shop.db")
    elif kind == "postgresql":
        connection = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`").connect(url)
    else:
        pymysql = pytest.importorskip("pymysql", reason="needs the extra `sql`")
        at = urlsplit(url)
        place = {"host": at.hostname, "port": at.port, "database": at.path[1:]}
        place["init_command"] = "set sql_mode = 'ANSI_QUOTES'"
        connection = pymysql.connect(user=at.username, password=unquote(at.password or ""), **place)
    moment = {"sqlite": "text", "postgresql": "timestamp", "mariadb": "datetime"}[kind]
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement.format(moment=moment, hostile=HOSTILE.replace('"', '""')))
        connection.commit()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, tmp_path, monkeypatch):
    found = "sqlite:///shop.db" if request.param == "sqlite" else request.getfixturevalue(request.param).url
    monkeypatch.chdir(tmp_path)
    run(request.param, found, tmp_path)
    if password := urlsplit(found).password:
        monkeypatch.setenv("DB_PASSWORD", password)
    return found


def test_what_is_proposed_reads_every_row(url, tmp_path):
    text = Project.init(url, "churned", table="customers", folder=tmp_path / "project").text
    assert "    key: id  # the primary key\n" in text
    assert "    cursor: updated_at  # every row has one, by its name of its last change; it is indexed\n" in text
    assert "      updated_at: {type: datetime}  # 28 different values\n" in text
    assert text.startswith("# Proposed by `millrace init` from 28 rows.\n")
    project = Project.load(tmp_path / "project" / "millrace.yaml")
    assert project.check().problems == ()
    assert project.ingest()[0].kept == 28
    assert project.ingest()[0].read == 0


def test_a_key_of_several_columns_and_a_time_of_creation_are_found(url):
    text = propose(url, "x", table="order_lines")
    assert "    key: [line, order_id]  # the primary key\n" in text
    assert "    # cursor: created_at  # finds new rows alone" in text


def test_a_query_is_proposed_with_the_key_that_its_rows_bear_out(url, tmp_path):
    query = "select id, plan, churned from customers where plan <> 'no: such'"
    text = Project.init(url, "churned", query=query, folder=tmp_path / "project").text
    assert f'    query: "{query}"\n' in text
    assert "    key: id  # 28 of 28 distinct, none missing\n" in text
    assert Project.load(tmp_path / "project" / "millrace.yaml").ingest()[0].kept == 28


def test_without_a_table_the_tables_are_listed(url):
    with pytest.raises(UsageError, match="needs `--table` or `--query`") as raised:
        propose(url)
    assert {"customers", "order_lines"} <= set(raised.value.allowed)
    assert "--table" in raised.value.next_step
    assert SECRET not in str(raised.value)


def test_a_table_that_is_not_there_is_refused_with_the_nearest(url):
    with pytest.raises(UsageError, match="There is no table `custmers`") as raised:
        propose(url, table="custmers")
    assert raised.value.nearest == "customers"


@pytest.mark.parametrize("url", ["postgresql", "mariadb"], indirect=True)
def test_the_password_is_never_written(url, tmp_path, monkeypatch):
    password = urlsplit(url).password
    said = Project.init(url, "churned", table="customers", folder=tmp_path / "project").text
    assert ":${DB_PASSWORD}@" in said
    assert "# export DB_PASSWORD as in a URL" in said
    monkeypatch.setenv("MY_SECRET", password)
    said += propose(url.replace(password, "${MY_SECRET}"), table="customers")
    assert ":${MY_SECRET}@" in said
    assert password not in said
    assert unquote(password) not in said
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(ProjectFileError, match="DB_PASSWORD"):
        Project.load(tmp_path / "project" / "millrace.yaml")


def test_an_unset_variable_in_the_url_is_named():
    with pytest.raises(UsageError, match=r"\$\{NO_SUCH_THING\} is not set"):
        propose("postgresql://bob:${NO_SUCH_THING}@127.0.0.1:1/shop", table="customers")


def test_secrets_in_the_parameters_of_a_url_become_references(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("sqlite", "", tmp_path)
    text = propose("sqlite:///shop.db?cache=shared&password=hunter2", table="customers")
    assert "hunter2" not in text
    assert 'from: "sqlite:///shop.db?cache=shared&password=${DB_PASSWORD}"  # export DB_PASSWORD' in text


def test_a_table_without_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.execute("create table empty (id integer primary key)")
    with pytest.raises(SourceError, match="no rows to look at"):
        propose("sqlite:///shop.db", table="empty")
    assert not (tmp_path / "millrace.yaml").exists()


def test_a_changed_time_that_some_rows_lack_is_no_cursor(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.execute("create table t (id integer primary key, modified text)")
        connection.execute("insert into t values (1, '2026-01-01'), (2, null)")
        connection.commit()
    assert "    # cursor: modified  # 1 rows have no value in it" in propose("sqlite:///shop.db", table="t")


def test_a_table_of_a_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,y\n1,2\n")
    with pytest.raises(UsageError, match="ask a database, `--sheet` a workbook"):
        propose(str(tmp_path / "a.csv"), table="customers")
