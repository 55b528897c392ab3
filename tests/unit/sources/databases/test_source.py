"""Tables are read like files: each row once, with its types, however late it is committed."""

from array import array
from base64 import b64decode, b64encode

import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.stage import ingest, ingest_source
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read
from unit.sources.databases.servers import Server, fill, ids, settings, source


class TestSql(SourceContract):
    @pytest.fixture(autouse=True)
    def _rows(self, server, tmp_path):
        fill(server)
        self.server, self.folder = server, tmp_path

    def open(self):
        return source(self.server, self.folder, cursor="at")


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


def test_a_value_of_another_type_is_told_beside_its_row(tmp_path):
    server = Server("sqlite", "sqlite:///rows.db", tmp_path)
    server.run("create table TABLE (id integer primary key, x)")
    server.run("insert into TABLE values (1, 1.5), (2, 2.5), (3, 'old'), (4, 1)")
    batches = read(source(server, tmp_path))
    assert ids(batches) == [1, 2, 3, 4]
    assert batches[1].misfits.rows() == [(0, "x", "old")]
    server.close()
