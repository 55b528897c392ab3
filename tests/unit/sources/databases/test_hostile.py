"""SQL that hides in what is given, and secrets that must not be shown."""

from urllib.parse import unquote, urlsplit

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError, SourceError
from millrace.ingest.stage import ingest
from millrace.project import Project
from millrace.sources.databases.source import SqlSource
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import read
from unit.sources.databases.servers import Server, fill, ids, settings, source

SERVERS = ["postgresql", "mariadb"]


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
