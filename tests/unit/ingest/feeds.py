"""The kinds of sources that the fault suite drives, and what processes do to them.

To put another kind under test, add an entry to `FEEDS`:

    "sql": Feed(lay, opened, batches=3)

`lay(request, folder)` puts the nine rows of `ROWS` where the kind reads them, with whatever server that takes (it gets
pytest's `request`, so it may ask for fixtures or skip), and answers with a `Place`: a text from which any process opens
the source, and the variables that the process needs. `opened(text, schema)` opens it there, in that order of rows and
in `batches` batches or more. The truth, `KEPT`, `REFUSED` and `DUPLICATE`, is the same for all of them.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
import polars as pl
import pytest
from obstore.store import from_url

from api_server import Api
from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import MillraceError
from millrace.ingest import grouping
from millrace.ingest.intake import Opened
from millrace.ingest.stage import ingest_source
from millrace.ingest.types import column_types
from millrace.records.ingestion import Ingested
from millrace.records.progress import Step, Watch, unwatched
from millrace.sources.databases.mongodb import Collection
from millrace.sources.databases.source import SqlSource
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.source import FileSource
from millrace.sources.http.source import ApiSource
from millrace.store import delta, receipts
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import FRAMES, RULES, Listed, settings

#: What must become of the nine rows, by id: each is in one of these places, once.
KEPT, REFUSED, DUPLICATE = [1, 2, 7], [3, 4, 5, 6], 2
ROWS = [row for frame in FRAMES for row in frame.rows()]
#: So few small files are joined in these tests.
_SMALL_FILES = 2
_JOINED_ROWS = 100


@dataclass(frozen=True)
class Place:
    """Where the rows of a feed are."""

    at: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Feed:
    """A kind of source: how the rows get there, and how a process opens it.

    Small batches stay apart, so that there are many moments to die at, unless they are to be `joined`.
    """

    lay: Callable[[pytest.FixtureRequest, Path], Place]
    opened: Callable[[str, Mapping[str, ColumnType] | None], Opened]
    batches: int
    joined: bool = False


@dataclass(frozen=True)
class Scene:
    """A feed and a store, as they are told to a process."""

    feed: str
    place: Place
    store: str
    environment: Mapping[str, str] = field(default_factory=dict)


def nowhere(request: pytest.FixtureRequest, folder: Path) -> Place:
    return Place("")


def in_memory(at: str, schema: Mapping[str, ColumnType] | None) -> Opened:
    return Listed(FRAMES)


def texts() -> dict[str, str]:
    """The rows as three CSV files."""
    return {f"day-{day}.csv": frame.write_csv() for day, frame in enumerate(FRAMES, 1)}


def as_files(request: pytest.FixtureRequest, folder: Path) -> Place:
    folder.mkdir()
    for name, text in texts().items():
        (folder / name).write_text(text)
    return Place(f"{folder}/day-*.csv")


def as_objects(request: pytest.FixtureRequest, folder: Path) -> Place:
    """In a bucket of its own, behind the proxy `faulty`."""
    faulty = request.getfixturevalue("faulty")
    for name, text in texts().items():
        obstore.put(from_url(faulty.bucket), f"raw/{name}", text.encode())
    return Place(f"{faulty.bucket}/raw/day-*.csv", faulty.environment)


def delimited(at: str, schema: Mapping[str, ColumnType] | None) -> Opened:
    stated = settings(**RULES).model_copy(update={"from_": at})
    return FileSource("customers", stated, Path("/"), schema, DelimitedFormat, batch_rows=2)


def in_sqlite(request: pytest.FixtureRequest, folder: Path) -> Place:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "rows.db")) as connection:
        connection.execute(f"create table customers ({_COLUMNS})")
        connection.execute(f"insert into customers values {_values()}")
        connection.commit()
    return Place(json.dumps({"from": f"sqlite:///{folder}/rows.db", "table": "customers"}))


def in_postgresql(request: pytest.FixtureRequest, folder: Path) -> Place:
    """In a table of its own."""
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="needs the extra `sql`")
    url, table = request.getfixturevalue("postgresql").url, f"customers_{secrets.token_hex(6)}"
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"create table {table} ({_COLUMNS})")
        cursor.execute(f"insert into {table} values {_values()}")
    return Place(json.dumps({"from": url, "query": f"select * from {table}"}))


#: Ids repeat, as the duplicates that cleaning is to find; the database tells rows apart by another column.
_COLUMNS = "place integer primary key, id integer, charge varchar(9), tenure integer"


def _values() -> str:
    rows = [(place, *row) for place, row in enumerate(ROWS, 1)]
    return ", ".join(f"({', '.join('null' if value is None else repr(value) for value in row)})" for row in rows)


def in_mariadb(request: pytest.FixtureRequest, folder: Path) -> Place:
    """In a table of its own."""
    alchemy = pytest.importorskip("sqlalchemy", reason="needs the extra `sql`")
    url, table = request.getfixturevalue("mariadb").url, f"customers_{secrets.token_hex(6)}"
    engine = alchemy.create_engine(url.replace("mysql://", "mysql+pymysql://", 1), poolclass=alchemy.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create table {table} ({_COLUMNS})")
        connection.exec_driver_sql(f"insert into {table} values {_values()}")
    return Place(json.dumps({"from": url, "query": f"select * from {table}"}))


def in_mongodb(request: pytest.FixtureRequest, folder: Path) -> Place:
    """In a database of its own."""
    pymongo = pytest.importorskip("pymongo", reason="needs the extra `mongo`")
    server = urlsplit(request.getfixturevalue("mongodb").url)
    url = server._replace(path=f"/feed_{secrets.token_hex(6)}", query="serverSelectionTimeoutMS=500").geturl()
    with pymongo.MongoClient(url) as client:
        columns = ("_id", "id", "charge", "tenure")
        rows = [dict(zip(columns, (place, *row), strict=True)) for place, row in enumerate(ROWS, 1)]
        client.get_default_database()["customers"].insert_many(rows)
    return Place(json.dumps({"from": url, "table": "customers"}))


def documents(at: str, schema: Mapping[str, ColumnType] | None) -> Opened:
    said = {**json.loads(at), "chunk": 2, "columns": RULES["columns"]}
    said["query"] = {"projection": ["id", "charge", "tenure"]}
    return Collection("customers", SourceSettings.model_validate(said), Path("/"), schema)


def on_pages(request: pytest.FixtureRequest, folder: Path) -> Place:
    """By an API of its own, two records to a page."""
    columns = ("place", "id", "charge", "tenure")
    api = Api(dict(zip(columns, (place, *row), strict=True)) for place, row in enumerate(ROWS, 1))
    api.__enter__()
    request.addfinalizer(api.__exit__)
    return Place(api.url)


def api(at: str, schema: Mapping[str, ColumnType] | None) -> Opened:
    said = {"from": at, "key": "place", "chunk": 2, "columns": RULES["columns"]}
    return ApiSource("customers", SourceSettings.model_validate(said), Path("/"), schema)


def database(at: str, schema: Mapping[str, ColumnType] | None) -> Opened:
    said = {**json.loads(at), "key": "place", "chunk": 2, "columns": RULES["columns"]}
    return SqlSource("customers", SourceSettings.model_validate(said), Path("/"), schema)


FEEDS = {
    "memory": Feed(nowhere, in_memory, batches=3),
    "files": Feed(as_files, delimited, batches=5),
    "small files": Feed(as_files, delimited, batches=1, joined=True),
    "objects": Feed(as_objects, delimited, batches=5),
    "sqlite": Feed(in_sqlite, database, batches=5),
    "postgresql": Feed(in_postgresql, database, batches=5),
    "mariadb": Feed(in_mariadb, database, batches=5),
    "mongodb": Feed(in_mongodb, documents, batches=5),
    "api": Feed(on_pages, api, batches=5),
}


def take(scene: Scene, watch: Watch = unwatched, run: str = "run") -> Ingested:
    """Ingest everything that is there, joining small files, in this process."""
    delta.SMALL_FILES = _SMALL_FILES
    grouping.MOST_ROWS = _JOINED_ROWS if FEEDS[scene.feed].joined else 0
    os.environ.update({**scene.environment, **scene.place.environment})
    store = Store(scene.store)
    known = column_types(Table(store, "tables/customers").snapshot().schema())
    source = FEEDS[scene.feed].opened(scene.place.at, known or None)
    return ingest_source(source, "customers", settings(**RULES), store, run, watch)


def die_at(scene: Scene, point: str, occurrence: int) -> None:
    """Ingest, and kill this process when it comes to `point` for the `occurrence`-th time, from 0."""
    take(scene, dying_at(point, occurrence), "killed")


def dying_at(point: str, occurrence: int) -> Watch:
    """A watcher that kills its process when it is told of `point` for the `occurrence`-th time, from 0."""
    passed: list[str] = []

    def fatal(step: Step) -> None:
        if step.text.endswith(f": {point}"):
            passed.append(point)
            if len(passed) > occurrence:
                os.kill(os.getpid(), signal.SIGKILL)

    return fatal


def start_together(scene: Scene, barrier: Any, run: str) -> None:
    """Ingest at the same moment as the others that wait at `barrier`."""
    barrier.wait()
    take(scene, run=run)


def live_until_killed(scene: Scene, begun: Any, run: str) -> None:
    """Say that it begins, then ingest."""
    begun.set()
    take(scene, run=run)


def with_full_disk(scene: Scene, limit: int, answers: Any) -> None:
    """Ingest where no file can grow beyond `limit` bytes, as on a disk that is full; answer with the error."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        take(scene)
    except MillraceError as error:
        answers.put((type(error).__name__, str(error)))


def assert_every_row_is_in_one_place(store: Store) -> None:
    """Fail unless each of the nine rows is kept, refused or counted as a duplicate, once."""
    table = Table(store, "tables/customers")
    refused = Table(store, "quarantine/customers").read(bookkeeping=True)
    kept = table.read(bookkeeping=True)
    assert sorted(kept["id"].to_list()) == KEPT
    assert sorted(_id(raw) for raw in refused["_raw"]) == REFUSED
    assert kept.select("_origin", "_row").is_duplicated().sum() == 0
    totals = receipts.read(store, "customers", table.snapshot().number).totals
    assert (totals.read, totals.kept, totals.quarantined, totals.duplicate) == (len(ROWS), 3, 4, DUPLICATE)


def rests(store: Store) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table and all that rests in the quarantine, without what names the run, the time and the place."""
    table = Table(store, "tables/customers").read(bookkeeping=True)
    refused = Table(store, "quarantine/customers").read(bookkeeping=True)
    left = [frame.with_columns(pl.col("_origin").str.split("/").list.last()) for frame in (table, refused)]
    order = ("_origin", "_row")
    return left[0].drop("_run").sort(order), left[1].drop("_run", "_at", "_batch").sort(order)


def _id(raw: str) -> int:
    """The id in a refused row, which is kept as JSON where it was parsed, as it was where not."""
    return int(json.loads(raw)["id"] if raw.startswith("{") else raw.split(",", maxsplit=1)[0])
