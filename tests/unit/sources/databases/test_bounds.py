"""Conditions that say which rows, and that each database uses an index of (cursor, key) for them."""

import sqlite3
from contextlib import closing

import pytest

from millrace.sources.databases.bounds import Bounds, within_sql

ROWS = 20_000


def sql(bounds, rows):
    within = within_sql(["q.at", "q.id"], bounds, str, rows=rows)
    return f"select id from t q where {within} order by q.at, q.id limit 3"


@pytest.mark.parametrize("rows", [False, True])
def test_both_ways_to_ask_ask_for_the_same_rows(rows):
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table t (at, id)")
        db.executemany("insert into t values (?, ?)", [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1)])

        def asked(**bounds):
            return db.execute(sql(Bounds(**bounds), rows).replace("id from", "at, id from")).fetchall()

        assert asked(after=(1, 2)) == [(2, 1), (2, 2), (2, 3)]
        assert asked(after=(2, 2)) == [(2, 3), (3, 1)]
        assert asked(after=(1, 1), until=(2, 1)) == [(1, 2), (2, 1)]
        assert asked(until=(1, 2)) == [(1, 1), (1, 2)]
        assert asked(until=(2, 2), least=2) == [(2, 1), (2, 2)]


FULL = Bounds(after=(7, ROWS // 2), until=(7, ROWS))


def test_sqlite_goes_to_the_place_among_rows_of_one_cursor():
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table t (id bigint primary key, at integer)")
        db.executemany("insert into t values (?, 7)", [(n,) for n in range(1, ROWS + 1)])
        db.execute("create index i on t (at, id)")
        plan = db.execute("explain query plan " + sql(FULL, rows=True)).fetchall()
        assert [row[3] for row in plan] == ["SEARCH q USING COVERING INDEX i ((at,id)>(?,?) AND (at,id)<(?,?))"]


def test_postgresql_goes_to_the_place_among_rows_of_one_cursor(postgresql):
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`")
    with dbapi.connect(postgresql.url) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table t (id integer primary key, at integer)")
        cursor.execute(f"insert into t select n, 7 from generate_series(1, {ROWS}) n")
        cursor.execute("create index i on t (at, id)")
        cursor.execute("analyze t")
        cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
        cursor.execute("explain (format text) " + sql(FULL, rows=True))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Cond: ((ROW(at, id) > ROW(7, 10000)) AND (ROW(at, id) <= ROW(7, 20000)))" in plan


def test_mariadb_goes_to_the_place_among_rows_of_one_cursor_where_it_is_spelt_out(mariadb):
    sa = pytest.importorskip("sqlalchemy", reason="needs the extra `sql`")
    engine = sa.create_engine(mariadb.url.replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("create temporary table t (id integer primary key, at integer not null)")
        connection.exec_driver_sql(f"insert into t select seq, 7 from seq_1_to_{ROWS}")
        connection.exec_driver_sql("create index i on t (at, id)")

        def looked_at(rows):
            connection.exec_driver_sql("flush status")
            assert connection.exec_driver_sql(sql(FULL, rows)).fetchall() == [(10001,), (10002,), (10003,)]
            said = connection.exec_driver_sql("show session status like 'Handler_read%%'").fetchall()
            return sum(int(count) for _, count in said)

        assert looked_at(rows=False) < 10
        assert looked_at(rows=True) > ROWS / 2
    engine.dispose()
