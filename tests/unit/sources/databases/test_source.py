import sqlite3
import uuid
from array import array
from base64 import b64decode, b64encode
from contextlib import closing, contextmanager, suppress
from urllib.parse import unquote, urlsplit

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError, ProjectFileError, RemoteError, SourceError
from millrace.ingest.stage import ingest, ingest_source
from millrace.project import Project
from millrace.sources.databases.source import SqlSource
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

KINDS = ("sqlite", "sqlite+pysqlite", "postgresql", "mariadb")


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


@pytest.fixture(params=KINDS)
def server(request, tmp_path):
    kind = request.param
    url = f"{kind}:///rows.db" if "sqlite" in kind else request.getfixturevalue(kind).url
    found = Server(kind, url, tmp_path)
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


def test_without_a_cursor_a_row_is_found_however_far_behind_it_appears(server, tmp_path):
    server.run("insert into TABLE values " + ", ".join(f"({i}, 'a', 1, 'x')" for i in range(0, 9000, 1500)))
    first = read(source(server, tmp_path))
    server.run("insert into TABLE values (10, 'late', 1, 'x'), (9000, 'new', 1, 'x')")
    then = read(source(server, tmp_path), first[-1].position)
    assert ids(then) == [10, 9000]
    assert read(source(server, tmp_path), then[-1].position) == []


def test_a_row_that_takes_the_place_of_a_deleted_one_is_found(server, tmp_path):
    fill(server)
    first = read(source(server, tmp_path))
    server.run("delete from TABLE where id = 4")
    server.run("insert into TABLE values (-4, 'new', 1, 'x')")
    assert ids(read(source(server, tmp_path), first[-1].position)) == [-4]


@pytest.mark.parametrize("cursor", ["name", None], ids=["cursor", "key"])
def test_digits_in_a_text_are_in_the_order_of_texts(server, tmp_path, cursor):
    server.run("insert into TABLE values (1, '999', 1, 'x'), (2, '10500', 1, 'x')")
    said = {"cursor": cursor} if cursor else {"key": "name"}
    first = read(source(server, tmp_path, **said))
    server.run("insert into TABLE values (3, '10400', 1, 'x')")
    assert ids(read(source(server, tmp_path, **said), first[-1].position)) == [3]


def test_texts_that_are_stated_to_be_moments_and_numbers_are_read_by_every_ingest(server, tmp_path):
    fill(server)
    stated = {
        "at": {"type": "datetime"},
        "name": {"type": "number", "missing": ["ann", "bob", "eve", "it's \\ 1", "it's  1"]},
    }
    store, said = Store(tmp_path / "store"), settings(server, cursor="at", columns=stated)
    assert ingest("rows", said, store, tmp_path, "r1").kept == 5
    server.run("insert into TABLE values (6, '6.5', 1, '2026-01-01 13:00:00'), (7, 'six', 1, '2026-01-01 13:00:00')")
    second = ingest("rows", said, store, tmp_path, "r2")
    assert (second.kept, second.quarantined) == (1, 1)
    assert Table(store, "tables/rows").read().row(5)[:2] == (6, 6.5)


def test_digits_in_a_text_keep_the_order_of_texts_when_numbers_are_made_of_them(server, tmp_path):
    server.run("insert into TABLE values (1, '999', 1, 'x'), (2, '10500', 1, 'x')")
    store, said = Store(tmp_path / "store"), settings(server, cursor="name", columns={"name": {"type": "integer"}})
    assert ingest("rows", said, store, tmp_path, "r1").kept == 2
    server.run("insert into TABLE values (3, '10400', 1, 'x')")
    assert ingest("rows", said, store, tmp_path, "r2").kept == 1


@pytest.mark.parametrize("cursor", ["at", None], ids=["cursor", "key"])
def test_rows_are_told_apart_however_many_came_at_once(server, tmp_path, monkeypatch, cursor):
    monkeypatch.setattr("millrace.store.positions.LONG", 20)
    monkeypatch.setattr("millrace.sources.databases.delivered.SEGMENT", 4)
    same = "'2026-01-01 10:00:00'"
    server.run("insert into TABLE values " + ", ".join(f"({i}, 'a', 1, {same})" for i in range(10, 35)))
    store, said = Store(tmp_path / "store"), settings(server, cursor=cursor, chunk=3)
    assert ingest("rows", said, store, tmp_path, "r1").kept == 25
    apart = store.keys("positions/rows")
    assert len(apart) >= 5
    server.run(f"insert into TABLE values (1, 'late', 1, {same}), (40, 'new', 1, {same})")
    assert ingest("rows", said, store, tmp_path, "r2").kept == 2
    assert ingest("rows", said, store, tmp_path, "r3").read == 0
    assert set(apart) <= set(store.keys("positions/rows"))


def test_a_position_of_an_earlier_version_is_continued(server, tmp_path):
    fill(server)
    first = read(source(server, tmp_path, cursor="at"))
    segments = first[-1].position["seen"]
    hashes = sorted(number for one in segments for number in array("Q", b64decode(one["hashes"])))
    older = {**first[-1].position, "seen": b64encode(array("Q", hashes).tobytes()).decode()}
    server.run("insert into TABLE values (9, 'late', 1, '2026-01-01 11:55:00')")
    assert ids(read(source(server, tmp_path, cursor="at"), older)) == [9]


def test_a_transaction_opened_before_and_committed_after_an_ingest_is_not_missed(server, tmp_path):
    fill(server)
    store, said = Store(tmp_path / "store"), settings(server, cursor="at")
    with server.writing() as late:
        late("insert into TABLE values (6, 'early', 1, '2026-01-01 12:01:00')")
        if server.kind != "sqlite":  # which has one writer at a time
            server.run("insert into TABLE values (7, 'soon', 1, '2026-01-01 12:02:00')")
        ingest("rows", said, store, tmp_path, "r1")
        assert 6 not in Table(store, "tables/rows").read()["id"]
    assert ingest("rows", said, store, tmp_path, "r2").kept == 1
    assert ingest("rows", said, store, tmp_path, "r3").read == 0
    assert 6 in Table(store, "tables/rows").read()["id"]


def test_a_late_row_and_new_rows_meet_in_one_table_once(server, tmp_path):
    fill(server)
    store, said = Store(tmp_path / "store"), settings(server, cursor="at")
    ingest("rows", said, store, tmp_path, "r1")
    server.run("insert into TABLE values (9, 'late', 1, '2026-01-01 11:55:00'), (6, 'new', 1, '2026-01-01 12:30:00')")
    assert ingest("rows", said, store, tmp_path, "r2").kept == 2
    assert ingest("rows", said, store, tmp_path, "r3").read == 0
    assert sorted(Table(store, "tables/rows").read()["id"]) == [1, 2, 3, 4, 5, 6, 9]


def test_the_latest_row_of_each_key_stays_where_rows_change_in_place(server, tmp_path):
    fill(server)
    store, said = Store(tmp_path / "store"), settings(server, cursor="at", keep="latest", on_delete="remove")
    assert ingest("rows", said, store, tmp_path, "r1").kept == 5
    server.run("update TABLE set name = 'ANN', at = '2026-01-01 12:30:00' where id = 1")
    server.run("update TABLE set name = 'EVE', at = '2026-01-01 12:40:00' where id = 5")
    server.run("insert into TABLE values (6, 'new', 1, '2026-01-01 12:50:00')")
    done = ingest("rows", said, store, tmp_path, "r2")
    assert (done.read, done.kept, done.replaced) == (3, 3, 2)
    found = Table(store, "tables/rows").read().sort("id")
    assert found["id"].to_list() == [1, 2, 3, 4, 5, 6]
    assert found["name"].to_list()[::4] == ["ANN", "EVE"]
    server.run("delete from TABLE where id = 2")
    done = ingest("rows", said, store, tmp_path, "r3")
    assert (done.read, done.deleted) == (0, 1)
    assert Table(store, "tables/rows").read().sort("id")["id"].to_list() == [1, 3, 4, 5, 6]


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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_sql_hidden_in_the_names_of_columns_harms_nothing(kind, request, tmp_path):
    url = f"{kind}:///rows.db" if kind == "sqlite" else request.getfixturevalue(kind).url
    server = Server(kind, url, tmp_path)
    key, cursor, value = ('k"; drop table TABLE; --', "c'); delete from TABLE; --", "v`:x %s ? {0} ;")
    mark = "`" if kind == "mariadb" else '"'
    quoted = [mark + name.replace(mark, mark * 2) + mark for name in (key, cursor, value)]
    made = [name.replace("TABLE", server.table) for name in (key, cursor, value)]
    server.run(f"create table TABLE ({quoted[0]} integer primary key, {quoted[1]} integer, {quoted[2]} varchar(9))")
    server.run("insert into TABLE values (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')")
    store, said = Store(tmp_path / "store"), settings(server, key=made[0], cursor=made[1])
    assert ingest("rows", said, store, tmp_path, "r1").kept == 3
    server.run("insert into TABLE values (4, 25, 'late'), (5, 40, 'new')")
    assert ingest("rows", said, store, tmp_path, "r2").kept == 2
    found = Table(store, "tables/rows").read().sort(made[0])
    assert found.columns == made
    assert found.rows()[3:] == [(4, 25, "late"), (5, 40, "new")]
    server.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("name", ["*", "^.*$"])
def test_a_column_whose_name_reads_as_a_pattern_is_refused(kind, name, request, tmp_path):
    server = Server(kind, "sqlite:///rows.db" if kind == "sqlite" else request.getfixturevalue(kind).url, tmp_path)
    mark = "`" if kind == "mariadb" else '"'
    server.run(f"create table TABLE (id integer primary key, {mark}{name}{mark} integer)")
    server.run("insert into TABLE values (1, 10)")
    with pytest.raises(SourceError, match="reads as a pattern over all columns") as caught:
        ingest("rows", settings(server), Store(tmp_path / "store"), tmp_path, "r")
    assert caught.value.code == "source.column-name"
    assert not Table(Store(tmp_path / "store"), "tables/rows").exists
    server.close()


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


def test_a_value_of_another_type_is_told_beside_its_row(tmp_path):
    server = Server("sqlite", "sqlite:///rows.db", tmp_path)
    server.run("create table TABLE (id integer primary key, x)")
    server.run("insert into TABLE values (1, 1.5), (2, 2.5), (3, 'old'), (4, 1)")
    batches = read(source(server, tmp_path))
    assert ids(batches) == [1, 2, 3, 4]
    assert batches[1].misfits.rows() == [(0, "x", "old")]
    server.close()


SERVERS = ["postgresql", "mariadb"]


@pytest.mark.parametrize("kind", SERVERS)
def test_a_wrong_password_is_refused_and_not_shown(kind, request, tmp_path):
    url = request.getfixturevalue(kind).url
    at = urlsplit(url)
    wrong = url.replace(f":{at.password}@", ":wr0ng%21pass@")
    opened = SqlSource(
        "rows", SourceSettings.model_validate({"from": wrong, "table": "t", "key": "id"}), tmp_path, None
    )
    with pytest.raises(SourceError, match="refuses") as raised:
        opened.schema()
    shown = str(raised.value) + repr(raised.value) + repr(opened)
    assert "wr0ng" not in shown
    assert at.password not in shown


@pytest.mark.parametrize("kind", SERVERS)
def test_the_password_rests_nowhere(kind, request, tmp_path, monkeypatch):
    url = request.getfixturevalue(kind).url
    password = urlsplit(url).password
    server = Server(kind, url, tmp_path)
    server.run("create table TABLE (id integer primary key, y integer)")
    server.run("insert into TABLE values (1, 0), (2, -1), (3, 1)")
    monkeypatch.setenv("DB_PASSWORD", password)
    file = tmp_path / "millrace.yaml"
    file.write_text(
        "version: 1\nsources:\n  rows:\n"
        f"    from: {url.replace(password, '${DB_PASSWORD}')}\n"
        f"    table: {server.table}\n    key: id\n    checks: {{positive: y >= 0}}\nmodel: {{predict: y}}\n"
    )
    steps = []
    project = Project.load(file)
    told = [str(project.check()), str(project.ingest(watch=steps.append)), repr(project), str(steps)]
    told += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(told) > 6
    for secret in {password, unquote(password)}:
        assert not any(secret in one for one in told)
    server.close()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_dies_while_it_is_read_costs_and_doubles_no_row(kind, request, tmp_path):
    running = request.getfixturevalue(kind)
    if not running.own:
        pytest.skip("this server is not the tests' own to stop")
    server = Server(kind, running.url, tmp_path)
    server.run("create table TABLE (id integer primary key, name varchar(40), x double precision, at varchar(30))")
    server.run("insert into TABLE values " + ", ".join(f"({i}, 'a', 1, 'x')" for i in range(400)))
    store, said = Store(tmp_path / "store"), settings(server, chunk=20)
    stop = iter([running.stop])

    def watch(step):
        if "committed" in step.text:
            next(stop, str)()

    with pytest.raises(RemoteError, match="does not answer"):
        ingest("rows", said, store, tmp_path, "r", watch)
    running.start()
    for _ in range(10_000):
        with suppress(RemoteError):  # it listens before it has recovered
            ingest("rows", said, store, tmp_path, "r")
            break
    assert Table(store, "tables/rows").read()["id"].to_list() == list(range(400))
    server.close()


def test_a_range_reads_what_came_into_it_after_it_was_cut(server, tmp_path):
    server.run("insert into TABLE (id, name) values (10, 'a'), (20, 'b'), (30, 'c')")
    opened = source(server, tmp_path)
    ranges = list(opened.parts(None))
    server.run("insert into TABLE (id, name) values (11, 'a'), (12, 'a'), (13, 'a'), (31, 'c')")
    found = (piece for one in ranges for piece in one.read())
    assert [batch.frame["id"].to_list() for batch in opened.joined(None, found)] == [[10, 11], [12, 13], [20], [30, 31]]


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


@pytest.mark.parametrize("cursor", ["at", None])
@pytest.mark.parametrize("server", ["sqlite", "postgresql"], indirect=True)
def test_ray_gives_the_very_table_that_this_process_gives_also_from_the_middle_on(server, tmp_path, ray_here, cursor):
    def insert(numbers):
        rows = ", ".join(f"({n}, 'n{n}', {n % 7}, '2026-01-01 {n // 60:02}:{n % 60:02}:00')" for n in numbers)
        server.run(f"insert into TABLE values {rows}")

    def stop_after_two(step):
        if step.done == 20:
            raise KeyboardInterrupt

    insert(range(0, 100, 2))
    said = settings(server, cursor=cursor, overlap=cursor and 1800, chunk=10, checks={"small": "x < 6"})
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    assert ingest("rows", said, here, tmp_path, "run").read == 50
    with pytest.raises(KeyboardInterrupt):
        ingest("rows", said, there, tmp_path, "run", stop_after_two)
    assert ingest("rows", said, there, tmp_path, "run", engine=ray_here).read == 30
    assert same(here, there)["rows"] == 50
    insert([*range(81, 100, 2), *range(100, 125)])
    on_ray = ingest("rows", said, there, tmp_path, "run", engine=ray_here)
    assert on_ray == ingest("rows", said, here, tmp_path, "run")
    assert (on_ray.read, same(here, there)["rows"]) == (35, 85)
