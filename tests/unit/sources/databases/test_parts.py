"""A table that is read in parts: by a server that dies meanwhile, by processes side by side."""

from contextlib import suppress

import pytest

from millrace.errors import RemoteError
from millrace.ingest.stage import ingest
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.sources.databases.servers import Server, same, settings, source

SERVERS = ["postgresql", "mariadb"]


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


@pytest.mark.parametrize("cursor", ["at", None])
@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mariadb"], indirect=True)
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
