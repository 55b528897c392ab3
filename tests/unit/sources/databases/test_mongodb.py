"""Collections of MongoDB are read like tables: in resumable chunks, then what is new, each document once.

The server is MongoDB where one is at hand, else another that speaks its protocol; what that one cannot hold is
tested on values alone.
"""

import json
import re
import secrets
from datetime import UTC, datetime

import pytest

pytest.importorskip("pymongo", reason="needs the extra `mongo`")
import bson
import pymongo

from millrace.config.schema import SourceSettings
from millrace.errors import ProjectFileError, RemoteError, SourceError, UsageError
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.project import Project
from millrace.sources import open_source
from millrace.sources.databases.delivered import Delivered
from millrace.sources.databases.mongodb import KIND, MongoDB, _ascend, _plain
from millrace.sources.databases.python_values import packed, unpacked
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read
from unit.sources.databases.servers import same

ROWS = [
    {
        "_id": n,
        "name": f"n{n}",
        "at": datetime(2026, 1, n),
        "tags": ["a"],
        "who": {"city": "Ulm", "geo": {"lat": n / 2}},
    }
    for n in range(1, 8)
]


@pytest.fixture
def collection(mongodb):
    client = pymongo.MongoClient(mongodb.url)
    found = client.get_default_database()[f"rows_{secrets.token_hex(6)}"]
    yield found
    found.drop()
    client.close()


@pytest.fixture
def said(mongodb, collection):
    return {"from": mongodb.url, "table": collection.name, "chunk": 3}


def opened(said, tmp_path=None, schema=None):
    return open_source("rows", SourceSettings.model_validate(said), tmp_path, schema)


def ids(batches, name="_id"):
    return [one for batch in batches for one in batch.frame[name]]


class TestCollection(SourceContract):
    @pytest.fixture(autouse=True, params=[None, "at"])
    def _rows(self, request, said, collection):
        collection.insert_many([*ROWS[:4], ROWS[4] | {"name": None, "at": datetime(2026, 1, 4)}, *ROWS[5:]])
        self.said = said | ({"cursor": request.param} if request.param else {})

    def open(self):
        return opened(self.said)


def test_inner_documents_are_columns_and_lists_json(said, collection):
    collection.insert_many(ROWS)
    batches = read(opened(said))
    assert opened(said).schema() == {
        "_id": "integer", "name": "text", "at": "datetime", "tags": "text", "who.city": "text", "who.geo.lat": "number",
    }  # fmt: skip
    assert batches[0].frame.row(0) == (1, "n1", datetime(2026, 1, 1), '["a"]', "Ulm", 0.5)
    assert [batch.frame.height for batch in batches] == [3, 3, 1]


def test_documents_are_known_by_their_object_ids(said, collection):
    collection.insert_many([{"x": n} for n in range(5)])
    batches = read(opened(said))
    assert ids(batches, "x") == [0, 1, 2, 3, 4]
    assert ids(batches) == sorted(ids(batches))
    position = json.loads(json.dumps(batches[-1].position))
    early = bson.ObjectId.from_datetime(datetime(2020, 1, 1, tzinfo=UTC))
    collection.insert_many([{"x": 9}, {"_id": early, "x": 8}])
    assert sorted(ids(read(opened(said), position), "x")) == [8, 9]


def test_with_an_overlap_alone_only_object_ids_made_within_it_are_looked_at_again(said, collection):
    def made(hour, minute=0):
        return bson.ObjectId.from_datetime(datetime(2026, 1, 1, hour, minute, tzinfo=UTC))

    collection.insert_many([{"_id": made(hour), "x": hour} for hour in range(7)])
    said |= {"overlap": "1 hour"}
    last = json.loads(json.dumps(read(opened(said))[-1].position))
    collection.insert_many([{"_id": made(5, 30), "x": 9}, {"_id": made(1, 30), "x": 8}, {"_id": made(7), "x": 7}])
    then = read(opened(said), last)
    assert ids(then, "x") == [9, 7]
    assert len(Delivered.of(then[-1].position["seen"], None).hashes) < 7
    del said["overlap"]
    assert 8 in ids(read(opened(said), last), "x")


def test_what_comes_late_within_the_overlap_is_read_and_a_change_is_a_new_row(said, collection):
    said |= {"cursor": "at", "overlap": "3 days"}
    collection.insert_many(ROWS)
    last = read(opened(said))[-1].position
    collection.insert_many([{"_id": 20, "at": datetime(2026, 1, 5)}, {"_id": 21, "at": datetime(2026, 1, 1)}])
    collection.replace_one({"_id": 2}, {"at": datetime(2026, 1, 9), "name": "new"})
    assert ids(read(opened(said), last)) == [20, 2]


def test_a_filter_and_a_projection_are_asked_of_the_server(said, collection):
    collection.insert_many(ROWS)
    said["query"] = {"filter": {"at": {"$gte": datetime(2026, 1, 5)}}, "projection": ["name"]}
    (batch,) = read(opened(said))
    assert batch.frame.select("_id", "name").rows() == [(5, "n5"), (6, "n6"), (7, "n7")]


@pytest.mark.parametrize("query", ["select 1", "[1]", {"name": "a"}])
def test_another_query_is_refused(said, query):
    with pytest.raises(ProjectFileError, match="projection:"):
        opened(said | {"query": query})


@pytest.mark.parametrize("places", [[(2,), (10,)], [(1, "b"), (1, "a")], [("10",), ("2",)], [(None,), (1,)], []])
def test_places_in_the_order_of_values_are_taken(places):
    assert _ascend(places)


@pytest.mark.parametrize("places", [[(10,), (2,)], [(datetime(2026, 1, 2), 1), (datetime(2026, 1, 1), 2)]])
def test_places_in_another_order_are_noticed(places):
    assert not _ascend(places)


def test_a_server_that_sorts_otherwise_than_it_compares_is_refused(said, collection):
    """NX-27017 sorts numbers in `_id` as texts, and compares them as numbers: reading on behind 9 would skip 10."""
    collection.insert_many([{"_id": n} for n in range(5, 15)])
    if [one["_id"] for one in collection.find(sort=[("_id", 1)])] == list(range(5, 15)):
        assert ids(read(opened(said))) == list(range(5, 15))
    else:
        with pytest.raises(SourceError, match="otherwise than it compares"):
            read(opened(said | {"chunk": 10}))


def test_a_collection_must_be_named(mongodb):
    with pytest.raises(ProjectFileError, match="name of a collection"):
        opened({"from": mongodb.url})


@pytest.mark.parametrize("odd", [{"at": 7}, {"at": None}, {}])
def test_documents_without_a_place_in_the_order_are_refused(said, collection, odd):
    """MongoDB would find the others by comparing, and never these."""
    collection.insert_many([*ROWS, {"_id": 99, **odd}])
    with pytest.raises(ProjectFileError, match="1 rows have no value in at or _id"):
        read(opened(said | {"cursor": "at"}))


def test_a_field_that_comes_later_and_a_value_of_another_type_are_held_to_the_contract(said, collection, tmp_path):
    collection.insert_many([{"_id": 1, "age": 4}, {"_id": 2, "age": 5}])
    store, settings = Store(tmp_path), SourceSettings.model_validate(said | {"contract": "evolve"})
    ingest("rows", settings, store, tmp_path, "one")
    collection.insert_many([{"_id": 3, "age": "old"}, {"_id": 4, "age": 6, "plan": "pro"}])
    done = ingest("rows", settings, store, tmp_path, "two")
    assert (done.kept, dict(done.reasons), len(done.changes)) == (1, {"type": 1}, 1)
    assert replay("rows", settings.model_copy(update={"missing": ("old",)}), store, "later").kept == 1
    assert Table(store, "tables/rows").read().sort("_id").rows() == [
        (1, 4, None), (2, 5, None), (3, None, None), (4, 6, "pro"),
    ]  # fmt: skip


def test_what_is_gone_leaves_the_table(said, collection, tmp_path):
    collection.insert_many(ROWS)
    settings = SourceSettings.model_validate(said | {"key": "_id", "on_delete": "remove"})
    ingest("rows", settings, Store(tmp_path), tmp_path, "one")
    collection.delete_one({"_id": 3})
    assert ingest("rows", settings, Store(tmp_path), tmp_path, "two").deleted == 1
    assert sorted(Table(Store(tmp_path), "tables/rows").read()["_id"]) == [1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize("cursor", ["at", None])
def test_ray_gives_the_very_table_that_this_process_gives_also_from_the_middle_on(
    said, collection, tmp_path, ray_here, cursor
):
    def insert(numbers):
        # Of one number of digits: NX-27017 sorts numbers in `_id` as texts.
        collection.insert_many(
            [{"_id": 100 + n, "x": n % 7, "at": datetime(2026, 1, 1, n // 60, n % 60)} for n in numbers]
        )

    def stop_after_two(step):
        if step.done == 20:
            raise KeyboardInterrupt

    insert(range(0, 100, 2))
    more = {"cursor": cursor, "overlap": 1800} if cursor else {}
    settings = SourceSettings.model_validate(said | more | {"chunk": 10, "checks": {"small": "x < 6"}})
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    assert ingest("rows", settings, here, tmp_path, "run").read == 50
    with pytest.raises(KeyboardInterrupt):
        ingest("rows", settings, there, tmp_path, "run", stop_after_two)
    assert ingest("rows", settings, there, tmp_path, "run", engine=ray_here).read == 30
    assert same(here, there)["rows"] == 50
    insert([*range(81, 100, 2), *range(100, 125)])
    on_ray = ingest("rows", settings, there, tmp_path, "run", engine=ray_here)
    assert on_ray == ingest("rows", settings, here, tmp_path, "run")
    assert (on_ray.read, same(here, there)["rows"]) == (35, 85)


def test_nothing_but_find_is_sent(said, collection, monkeypatch):
    collection.insert_many(ROWS)
    sent = []

    class Listener(pymongo.monitoring.CommandListener):
        def started(self, event):
            sent.append(event.command_name)

        def succeeded(self, event): ...

        def failed(self, event): ...

    usual = pymongo.MongoClient
    monkeypatch.setattr(pymongo, "MongoClient", lambda *a, **k: usual(*a, event_listeners=[Listener()], **k))
    read(opened(said))
    assert set(sent) <= {"find", "getMore", "endSessions", "killCursors"}
    assert "find" in sent


def test_secondaries_are_read_unless_the_url_says_otherwise(mongodb):
    from millrace.sources.databases.base import Guard

    for url, mode in ((mongodb.url, "SecondaryPreferred"), (f"{mongodb.url}?readPreference=primary", "Primary")):
        client = MongoDB(Guard(url, "s"), None)
        assert type(client._client.read_preference).__name__ == mode
        client.close()


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path):
    url = "mongodb://bob:s3cr3t@127.0.0.1:1/db?serverSelectionTimeoutMS=200"
    with pytest.raises(RemoteError, match="does not answer") as raised:
        opened({"from": url, "table": "t"}).schema()
    assert "s3cr3t" not in str(raised.value)


def test_a_url_that_is_none_is_told():
    with pytest.raises(SourceError, match="refuses"):
        opened({"from": "mongodb://127.0.0.1:none/db", "table": "t"}).schema()


def test_values_that_only_mongodb_has_become_those_of_a_table():
    identity = bson.ObjectId("507f1f77bcf86cd799439011")
    document = {
        "o": identity, "d": bson.Decimal128("1.50"), "l": bson.Int64(7), "b": bson.Binary(b"\x01"),
        "t": bson.Timestamp(0, 1), "n": [identity, {"d": bson.Decimal128("2")}], "r": bson.Regex("a"),
    }  # fmt: skip
    plain = _plain(document)
    assert {name: str(value) for name, value in plain.items() if name not in "nrb"} == {
        "o": str(identity), "d": "1.50", "l": "7", "t": "1970-01-01 00:00:00",
    }  # fmt: skip
    assert plain["b"] == b"\x01"
    assert [str(plain["n"][0]), str(plain["n"][1]["d"])] == [str(identity), "2"]


@pytest.mark.parametrize("value", [bson.ObjectId("507f1f77bcf86cd799439011"), bson.Decimal128("1.50"), bson.Int64(7)])
def test_a_place_in_the_order_survives_json(value):
    assert unpacked(json.loads(json.dumps(packed(value)))) == value


def test_it_is_a_kind_of_source_of_its_own():
    assert KIND.schemes == ("mongodb", "mongodb+srv")


def test_what_is_proposed_reads_every_document(mongodb, collection, tmp_path):
    collection.insert_many([row | {"paid": row["_id"] % 2 == 0} for row in ROWS])
    with pytest.raises(UsageError, match=r"--table") as raised:
        Project.init(mongodb.url, "paid", folder=tmp_path)
    assert collection.name in str(raised.value)
    text = Project.init(mongodb.url, "paid", table=collection.name, folder=tmp_path).text
    assert re.search("key: [\"']?_id[\"']?  # the primary key", text)
    assert Project.load(tmp_path / "millrace.yaml").ingest()[0].kept == len(ROWS)
