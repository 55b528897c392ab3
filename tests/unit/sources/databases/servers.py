"""Databases under test, and sources that read them."""

import sqlite3
import uuid
from contextlib import closing, contextmanager
from urllib.parse import unquote, urlsplit

import pytest

from millrace.config.schema import SourceSettings
from millrace.sources.databases.source import SqlSource
from millrace.store.tables import Table


class Server:
    """A database under test: runs statements with the right to write, and knows its URL."""

    def __init__(self, kind, url, folder):
        self.kind, self.url = kind.partition("+")[0], url
        self.table = f"t_{uuid.uuid4().hex[:12]}"
        self.file = folder / "rows.db"
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.file)) as connection:
                connection.execute("create table if not exists other (id integer)")

    @contextmanager
    def writing(self):
        """Statements of one transaction, committed at the end."""
        with closing(self._connected()) as connection:
            cursor = connection.cursor()
            if self.kind == "sqlite":
                cursor.execute("begin")
            yield lambda sql: cursor.execute(sql.replace("TABLE", self.table))
            connection.commit()
            cursor.close()

    def run(self, sql):
        with self.writing() as write:
            write(sql)

    def _connected(self):
        if self.kind == "sqlite":
            return sqlite3.connect(self.file, isolation_level=None)
        if self.kind == "postgresql":
            dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`")
            return dbapi.connect(self.url)
        pymysql = pytest.importorskip("pymysql", reason="needs the extra `sql`")
        at = urlsplit(self.url)
        password = unquote(at.password or "")
        place = {"host": at.hostname, "port": at.port or 3306, "database": at.path[1:]}
        return pymysql.connect(user=at.username, password=password, **place)

    def close(self):
        self.run("drop table if exists TABLE")


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


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"].to_list()]


def same(here, there):
    """Whether two stores hold the same rows, origins, position and refusals: all but run ids and times."""
    for name in ("tables/rows", "quarantine/rows"):
        one, other = Table(here, name), Table(there, name)
        own = ("_run", "_at", "_batch")
        assert (
            one.read(bookkeeping=True)
            .drop(own, strict=False)
            .equals(other.read(bookkeeping=True).drop(own, strict=False))
        )
    assert Table(here, "tables/rows").position() == Table(there, "tables/rows").position()
    return Table(here, "tables/rows").position()
