import os
import sqlite3
import uuid
from urllib.parse import urlsplit

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError, ProjectFileError, SourceError
from millrace.ingest.stage import ingest, ingest_source
from millrace.sources.sql import SqlSource
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

KINDS = ("sqlite", "postgresql", "mariadb")


class Server:
    """A database under test: runs statements with the right to write, and knows its URL."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.table = f"t_{uuid.uuid4().hex[:12]}"
        if kind == "sqlite":
            self.url = "sqlite:///rows.db"
            self._sqlite = sqlite3.connect(folder / "rows.db", isolation_level=None)
            self._sqlite.execute("create table if not exists other (id integer)")
            return
        variable = f"MILLRACE_TEST_{'POSTGRES' if kind == 'postgresql' else 'MARIADB'}_URL"
        if variable not in os.environ:
            pytest.skip(f"no {kind}: set {variable}")
        self.url = os.environ[variable]

    def run(self, sql):
        sql = sql.replace("TABLE", self.table)
        if self.kind == "sqlite":
            self._sqlite.execute(sql)
        elif self.kind == "postgresql":
            dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`")
            with dbapi.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
                cursor.execute(sql)
        else:
            pymysql = pytest.importorskip("pymysql", reason="needs the extra `sql`")
            at = urlsplit(self.url)
            connection = pymysql.connect(
                host=at.hostname,
                port=at.port or 3306,
                user=at.username,
                password=at.password or "",
                database=at.path[1:],
            )
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                connection.commit()

    def close(self):
        self.run("drop table if exists TABLE")
        if self.kind == "sqlite":
            self._sqlite.close()


@pytest.fixture(params=KINDS)
def server(request, tmp_path):
    found = Server(request.param, tmp_path)
    found.run("create table TABLE (id integer primary key, name varchar(40), x double precision, at varchar(30))")
    yield found
    found.close()


def settings(server, **more):
    said = {"from": server.url, "table": server.table, "key": "id", "chunk": 2, **more}
    return SourceSettings.model_validate({name: value for name, value in said.items() if value is not None})


def source(server, folder, **more):
    return SqlSource("rows", settings(server, **more), folder, None)


def fill(server):
    server.run(
        "insert into TABLE values (1, 'ann', 0.5, '2026-01-01 10:00:00'), (2, 'bob', null, '2026-01-01 10:00:00'),"
        "(3, 'it''s \\ 1', 2.5, '2026-01-01 11:00:00'), (4, null, 1, '2026-01-01 12:00:00'),"
        "(5, 'eve', 3, '2026-01-01 12:00:00')"
    )


class TestSql(SourceContract):
    @pytest.fixture(autouse=True)
    def _rows(self, server, tmp_path):
        fill(server)
        self.server, self.folder = server, tmp_path

    def open(self):
        return source(self.server, self.folder, cursor="at")


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"].to_list()]


def test_values_arrive_with_their_types(server, tmp_path):
    fill(server)
    opened = source(server, tmp_path)
    assert opened.schema() == {"id": "integer", "name": "text", "x": "number", "at": "text"}
    assert read(opened)[0].frame.rows() == [
        (1, "ann", 0.5, "2026-01-01 10:00:00"),
        (2, "bob", None, "2026-01-01 10:00:00"),
    ]


def test_a_row_committed_late_is_read_once(server, tmp_path):
    fill(server)
    first = read(source(server, tmp_path, cursor="at"))
    server.run("insert into TABLE values (9, 'late', 1, '2026-01-01 11:55:00')")
    then = read(source(server, tmp_path, cursor="at"), first[-1].position)
    assert ids(then) == [9]
    assert read(source(server, tmp_path, cursor="at"), then[-1].position) == []


def test_a_late_row_and_new_rows_meet_in_one_table_once(server, tmp_path):
    fill(server)
    store, said = Store(tmp_path / "store"), settings(server, cursor="at")
    ingest("rows", said, store, tmp_path, "r1")
    server.run("insert into TABLE values (9, 'late', 1, '2026-01-01 11:55:00'), (6, 'new', 1, '2026-01-01 12:30:00')")
    assert ingest("rows", said, store, tmp_path, "r2").kept == 2
    assert ingest("rows", said, store, tmp_path, "r3").read == 0
    assert sorted(Table(store, "tables/rows").read()["id"]) == [1, 2, 3, 4, 5, 6, 9]


def test_a_reading_cut_after_any_commit_continues_without_loss_or_doubles(server, tmp_path):
    fill(server)

    class CutError(RuntimeError):
        pass

    store, said = Store(tmp_path / "store"), settings(server, cursor="at")

    def watch(step):
        if "committed" in step.text:
            raise CutError("killed")

    for _ in range(3):
        with pytest.raises(CutError, match="killed"):
            ingest_source(source(server, tmp_path, cursor="at"), "rows", said, store, "r", watch)
    ingest("rows", said, store, tmp_path, "r")
    assert Table(store, "tables/rows").read()["id"].to_list() == [1, 2, 3, 4, 5]


def test_a_query_is_read_like_a_table(server, tmp_path):
    fill(server)
    query = f"select id, at, name from {server.table} where name <> 'a:b' -- ann;"
    assert ids(read(source(server, tmp_path, table=None, query=query))) == [1, 2, 3, 5]


def test_a_key_that_repeats_is_refused(server, tmp_path):
    fill(server)
    with pytest.raises(ProjectFileError, match="does not tell rows apart"):
        read(source(server, tmp_path, key="at"))


def test_rows_without_a_cursor_are_refused_aloud(server, tmp_path):
    fill(server)
    with pytest.raises(ProjectFileError, match="1 rows have no value in name or id"):
        read(source(server, tmp_path, cursor="name"))


@pytest.mark.parametrize("where", ["table", "query"])
def test_sql_hidden_in_names_harms_nothing(server, tmp_path, where):
    fill(server)
    hidden = (
        f"select 1) q; drop table {server.table}; --" if where == "query" else f'x"`; drop table {server.table}; --'
    )
    with pytest.raises(MillraceError, match="refuses"):
        read(source(server, tmp_path, **{"table": None, "query": None, where: hidden}))
    assert ids(read(source(server, tmp_path))) == [1, 2, 3, 4, 5]


def test_sql_hidden_in_a_cursor_value_harms_nothing(server, tmp_path):
    server.run("insert into TABLE values (1, 'a', 1, '''; drop table x; --')")
    first = read(source(server, tmp_path, cursor="at"))
    assert ids(first) == [1]
    assert read(source(server, tmp_path, cursor="at"), first[-1].position) == []


def test_a_query_cannot_write(server, tmp_path):
    fill(server)
    query = f"delete from {server.table} returning id"
    with pytest.raises(SourceError, match="refuses"):
        read(source(server, tmp_path, table=None, query=query))
    assert ids(read(source(server, tmp_path))) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_the_password_is_in_no_error(scheme, tmp_path):
    pytest.importorskip("sqlalchemy" if scheme == "mysql" else "adbc_driver_postgresql", reason="needs the extra `sql`")
    url = f"{scheme}://bob:s3cr3t%21@127.0.0.1:1/db"
    opened = SqlSource("rows", SourceSettings.model_validate({"from": url, "table": "t", "key": "id"}), tmp_path, None)
    with pytest.raises(MillraceError, match="does not answer") as raised:
        opened.schema()
    assert "s3cr3t" not in str(raised.value) + repr(raised.value) + repr(opened)


def test_a_value_of_another_type_is_refused_with_its_row(tmp_path):
    server = Server("sqlite", tmp_path)
    server.run("create table TABLE (id integer primary key, x)")
    server.run("insert into TABLE values (1, 1.5), (2, 2.5), (3, 'old'), (4, 1)")
    batches = read(source(server, tmp_path))
    assert ids(batches) == [1, 2, 4]
    assert batches[1].refused.rows() == [(1, "x", "x: 'old' is not a number", "{'id': 3, 'x': 'old'}")]
    server.close()
