"""Sources whose rows come, change and go, and processes that ingest them and meet some fate.

The truth is a plain dict of key → row. A process is told of a source by its section of a project file and a folder.
"""

from __future__ import annotations

import csv
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from deltalake.exceptions import DeltaError

from api_server import Api
from millrace.config.schema import SourceSettings
from millrace.errors import RemoteError
from millrace.ingest.stage import ingest
from millrace.records.ingestion import Ingested
from millrace.records.progress import Watch, unwatched
from millrace.store import delta, receipts, tables
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.feeds import dying_at

Row = tuple[int, int, str]
SMALL_FILES = 2
#: What each source says of its rows, besides where they are.
SECTION = {"key": "id", "cursor": "moved", "chunk": 2, "checks": {"sane": "plan != 'odd'"}}
WAYS: dict[str, dict[str, Any]] = {
    "all": {},
    "latest": {"keep": "latest"},
    "present": {"keep": "latest", "on_delete": {"remove": "100%"}},
}


@dataclass
class World:
    """A source, its store, and what is true: `rows` by key, every version there ever was, and the keys that ever went.

    `place(world)` brings the rows where the source finds them, before each ingest.
    """

    folder: Path
    section: dict[str, Any]
    place: Callable[[World], None]
    rows: dict[int, Row] = field(default_factory=dict)
    ever: list[Row] = field(default_factory=list)
    went: set[int] = field(default_factory=set)
    checked: int = -1

    def put(self, key: int, plan: str) -> None:
        """A row is new, or changed."""
        self.rows[key] = (key, len(self.ever) + 1, plan)
        self.ever.append(self.rows[key])

    def remove(self, key: int) -> None:
        if self.rows.pop(key, None):
            self.went.add(key)

    @property
    def told(self) -> tuple[str, str]:
        """The source and the folder, as they are told to a process; its rows are in place."""
        self.place(self)
        return json.dumps(self.section), str(self.folder)

    @property
    def table(self) -> Table:
        return Table(Store(self.folder / "store"), "tables/shop")

    def assert_no_reader_ever_saw_half(self) -> None:
        """In every version: rows that were true once, one of each key where that is asked for; none left unasked."""
        latest, before = "keep" in self.section, set[int]()
        for version in range(max(0, self.checked), self.table.version() + 1):
            found = self.table.read(version).select("id", "moved", "plan").rows()
            keys = {row[0] for row in found}
            assert set(found) <= set(self.ever)
            assert len(set(found)) == len(found)
            assert not latest or len(keys) == len(found)
            assert before - keys <= (self.went if "on_delete" in self.section else set())
            self.checked, before = version, keys

    def assert_true(self) -> None:
        """What rests is what is true, and the totals say so."""
        self.assert_no_reader_ever_saw_half()
        found = sorted(self.table.read().select("id", "moved", "plan").rows())
        totals = receipts.read(Store(self.folder / "store"), "shop", self.table.snapshot().number).totals
        if "keep" in self.section:
            assert found == sorted(self.rows.values())
            assert "on_delete" in self.section or totals.kept - totals.replaced == len(found)
        else:
            quarantine = Table(Store(self.folder / "store"), "quarantine/shop")
            refused = quarantine.read()["_raw"].to_list() if quarantine.exists else []
            odd = [row for row in self.ever if row[2] == "odd"]
            assert sorted((int(one["id"]), int(one["moved"])) for one in map(json.loads, refused)) == [
                row[:2] for row in sorted(odd)
            ]
            assert found == sorted(set(self.ever) - set(odd))
            assert (totals.read, totals.kept, totals.quarantined) == (len(self.ever), len(found), len(odd))


@contextmanager
def world(kind: str, way: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """An empty world of a kind of source, whose ingests go the way of `WAYS`."""
    section = SECTION | WAYS[way]
    if kind == "files":
        yield World(folder, {"from": "day-*.csv", **section}, _as_file)
    elif kind == "api":
        with Api() as api:
            source = {"from": api.url, **section, "columns": TYPES}
            yield World(folder, source, lambda now: _on_pages(api, now))
    elif kind == "mongodb":
        pymongo = pytest.importorskip("pymongo", reason="needs the extra `mongo`")
        url, name = request.getfixturevalue("mongodb").url, f"shop_{secrets.token_hex(6)}"
        with pymongo.MongoClient(url) as client:
            collection = client.get_default_database()[name]
            yield World(folder, {"from": url, "table": name, **section}, lambda now: _in_collection(collection, now))
            collection.drop()
    else:
        with _database(kind, request, folder) as (url, execute):
            table = f"shop_{secrets.token_hex(6)}"
            execute([f"create table {table} (id integer primary key, moved integer not null, plan varchar(9))"])
            yield World(folder, {"from": url, "table": table, **section}, lambda now: _in_table(execute, table, now))
            execute([f"drop table {table}"])


TYPES = {"id": {"type": "integer"}, "moved": {"type": "integer"}, "plan": {"type": "text"}}


def _as_file(now: World) -> None:
    """The versions that no file has yet, in one more file."""
    files = sorted(now.folder.glob("day-*.csv"))
    done = sum(len(path.read_text().splitlines()) - 1 for path in files)
    if now.ever[done:]:
        with (now.folder / f"day-{len(files):03}.csv").open("w") as file:
            csv.writer(file).writerows([("id", "moved", "plan"), *now.ever[done:]])


def _on_pages(api: Api, now: World) -> None:
    rows = now.rows.values() if "keep" in now.section else now.ever
    api.rows = [dict(zip(("id", "moved", "plan"), row, strict=True)) for row in rows]


def _in_table(execute: Callable[[list[str]], None], table: str, now: World) -> None:
    execute([f"delete from {table}", *(f"insert into {table} values {row}" for row in now.rows.values())])


def _in_collection(collection: Any, now: World) -> None:
    """A document whose `_id` has been deleted and comes again is new, like a row."""
    collection.delete_many({})
    if now.rows:
        collection.insert_many(
            [dict(zip(("_id", "id", "moved", "plan"), (row[0], *row), strict=True)) for row in now.rows.values()]
        )


@contextmanager
def _database(
    kind: str, request: pytest.FixtureRequest, folder: Path
) -> Iterator[tuple[str, Callable[[list[str]], None]]]:
    """The URL of a database, and what carries out statements in it, as one transaction."""
    if kind == "sqlite":
        url, connection = f"sqlite:///{folder}/shop.db", sqlite3.connect(folder / "shop.db")
    elif kind == "postgresql":
        dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`")
        url = request.getfixturevalue("postgresql").url
        connection = dbapi.connect(url)
    else:
        pymysql = pytest.importorskip("pymysql", reason="needs the extra `sql`")
        url = request.getfixturevalue("mariadb").url
        at = urlsplit(url)
        connection = pymysql.connect(
            host=at.hostname, port=at.port, user=at.username, password=unquote(at.password), database=at.path[1:]
        )

    def execute(statements: list[str]) -> None:
        with closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.commit()

    with closing(connection):
        yield url, execute


def take(section: str, folder: str, watch: Watch = unwatched, run: str = "run") -> Ingested:
    """Ingest what there is, joining small files early, in this process."""
    delta.SMALL_FILES = SMALL_FILES
    settings = SourceSettings.model_validate_json(section)
    return ingest("shop", settings, Store(f"{folder}/store"), Path(folder), run, watch)


def die_at(section: str, folder: str, point: str, occurrence: int) -> None:
    """Ingest, and be killed at a point, if it comes to that."""
    take(section, folder, dying_at(point, occurrence), "killed")


def hear_of_an_error(section: str, folder: str, commit: int, *, landed: bool) -> None:
    """Ingest; one commit reports an error, although it `landed` or because it did not."""
    told = iter(range(1000))
    for name in ("write_deltalake", "exchanged"):
        setattr(tables, name, _failing(getattr(tables, name), told, commit, landed=landed))
    take(section, folder)


def _failing(write: Callable[..., None], told: Iterator[int], commit: int, *, landed: bool) -> Callable[..., None]:
    def failing(*args: Any, **settings: Any) -> None:
        unlucky = next(told) == commit
        if landed or not unlucky:
            write(*args, **settings)
        if unlucky:
            raise DeltaError("the answer got lost")

    return failing


def fill_the_disk(section: str, folder: str, limit: int) -> None:
    """Ingest where no file can grow beyond `limit` bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with suppress(RemoteError):
        take(section, folder)


def start_together(section: str, folder: str, barrier: Any, run: str) -> None:
    """Ingest at the same moment as the others that wait at `barrier`."""
    barrier.wait()
    take(section, folder, run=run)
