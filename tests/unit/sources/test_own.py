import json
import sys

import polars as pl
import pytest

from api_server import Api
from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.ingest.stage import ingest
from millrace.sources import open_source
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

CODE = """
import datetime
import polars as pl
from arro3.core import Table

ROWS = [{"id": n, "name": f"n{n}", "at": f"2026-01-0{n}"} for n in range(1, 8)]

def dicts():
    yield from ROWS

def whole():
    return pl.DataFrame(ROWS)

def lists():
    return [ROWS[:3], ROWS[3:]]

def arrow():
    yield Table.from_arrow(pl.DataFrame(ROWS[:4]))
    yield Table.from_arrow(pl.DataFrame(ROWS[4:]))

def lazy():
    yield pl.LazyFrame(ROWS[:4])
    yield pl.DataFrame(ROWS[4:])

def placed(position=None):
    start = position["at"] if position else 0
    for at in range(start, len(ROWS), 2):
        yield pl.DataFrame(ROWS[at:at + 2]), {"at": at + 2}

def odd():
    yield {"id": 1, "name": "a", "at": "2026-01-01"}
    yield [{"id": n, "name": "a", "at": "2026-01-01"} for n in (2, "x", 3)]
    yield {"id": 4, "name": "b", "at": "2026-01-01"}

def broken(position=None, secret=""):
    start = position or 0
    for at in range(start, 2):
        yield [ROWS[at]], at + 1
    raise RuntimeError(f"no luck with {secret}")

def nothing():
    return []

def number():
    return 5

def shrinking():
    yield from ROWS[3:]

constant = ROWS
"""
YIELDING = ("dicts", "whole", "lists", "arrow", "lazy", "placed", "constant")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "rows.py").write_text(CODE)
    yield tmp_path
    sys.path[:] = [place for place in sys.path if place != str(tmp_path.resolve())]
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


def settings(name, **said):
    return SourceSettings.model_validate({"use": f"shop.rows:{name}", "chunk": 2, **said})


def source(project, name, **said):
    return open_source("rows", settings(name, **said), project)


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"]]


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["dicts", "lists", "arrow", "lazy", "placed", "odd"])
class TestOwn(SourceContract):
    @pytest.fixture(autouse=True)
    def _project(self, project, name, key):
        self.project, self.name, self.key = project, name, key

    def open(self):
        return source(self.project, self.name, key=self.key, columns={"id": {"type": "integer"}})


@pytest.mark.parametrize("name", YIELDING)
def test_whatever_holds_rows_is_read(project, name):
    opened = source(project, name)
    assert opened.schema() == {"id": "integer", "name": "text", "at": "date"}
    assert ids(read(opened)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_row_that_does_not_fit_is_refused_with_its_text(project):
    batches = read(source(project, "odd", columns={"id": {"type": "integer"}}))
    assert pl.concat(batch.refused for batch in batches).rows() == [
        (1, "id", "id: 'x' is not a whole number", '{"id":"x","name":"a","at":"2026-01-01"}')
    ]
    assert ids(batches) == [1, 2, 3, 4]


def test_a_function_that_takes_a_position_continues_there(project):
    position = read(source(project, "placed"))[0].position
    assert position["state"] == {"at": 2}
    assert ids(read(source(project, "placed"), json.loads(json.dumps(position)))) == [3, 4, 5, 6, 7]


def test_new_rows_behind_the_known_ones_are_read(project):
    last = read(source(project, "dicts"))[-1].position
    path = project / "shop" / "rows.py"
    path.write_text(CODE.replace("range(1, 8)", "range(1, 10)"))
    del sys.modules["shop.rows"]
    assert ids(read(source(project, "dicts"), last)) == [8, 9]


def test_rows_in_another_order_are_refused_without_a_key_and_recognised_with_one(project):
    for key, last in ((key, read(source(project, "dicts", key=key))[1].position) for key in (None, "id")):
        opened = source(project, "shrinking", key=key)
        if key:
            assert ids(read(opened, last)) == [5, 6, 7]
        else:
            with pytest.raises(SourceError, match="does not yield the rows first that it yielded before"):
                read(opened, last)


def test_a_function_that_fails_keeps_what_it_gave_and_goes_on(project, tmp_path):
    store = Store(tmp_path / "store")
    said = settings("broken", **{"with": {"secret": "hunter2-hunter2"}})
    with pytest.raises(SourceError, match=r"`shop.rows:broken` failed: RuntimeError: no luck with \*\*\*") as raised:
        ingest("rows", said, store, project, "r")
    assert "hunter2" not in str(raised.value) + repr(said)
    # The row held back until the next one came is not lost: it is read again.
    path = project / "shop" / "rows.py"
    path.write_text(
        CODE.replace('raise RuntimeError(f"no luck with {secret}")', "").replace("range(start, 2)", "range(start, 7)")
    )
    del sys.modules["shop.rows"]
    ingest("rows", said, store, project, "r")
    assert Table(store, "tables/rows").read()["id"].to_list() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("use", "match"),
    [
        ("shop.rows:dict", r"`shop.rows` has no `dict`\. Did you mean `dicts`"),
        ("shop.nowhere:rows", "There is no module `shop.nowhere`"),
        ("shop.bad:rows", "Importing `shop.bad` failed: ZeroDivisionError"),
        ("shop.rows:number", "`shop.rows:number` gives int, which are no rows(.|\n)*a Polars frame"),
    ],
)
def test_code_that_cannot_be_used_is_explained(project, use, match):
    (project / "shop" / "bad.py").write_text("1 / 0\n")
    with pytest.raises(SourceError, match=match):
        read(open_source("rows", SourceSettings.model_validate({"use": use}), project))


def test_a_function_without_rows_gives_no_batch(project):
    assert read(source(project, "nothing")) == []


def test_two_projects_have_a_module_of_the_same_name_each(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "same_name.py").write_text(f"def rows():\n    return [{{'id': {number}}}]\n")
        opened = open_source("rows", SourceSettings.model_validate({"use": "same_name:rows"}), folder)
        assert ids(read(opened)) == [number]
    del sys.modules["same_name"]


@pytest.mark.parametrize("use", ["os.system", "os:system:x", "../x:y", "a.b:", ":x", "a-b:c", "a:b.c"])
def test_only_a_module_and_a_name_can_be_named(use):
    with pytest.raises(ValueError, match="does not name a function"):
        SourceSettings.model_validate({"use": use})


@pytest.mark.parametrize("said", [{}, {"from": "a.csv", "use": "a:b"}, {"from": "a.csv", "with": {"x": 1}}])
def test_a_source_comes_from_one_place(said):
    with pytest.raises(ValueError, match=r"`from` and `use`|Neither `from`|`with` holds"):
        SourceSettings.model_validate(said)


DLT = """
import dlt
import pyarrow
from dlt.sources.rest_api import rest_api_source

ROWS = [{"id": n, "at": f"2026-01-0{(n * 3) % 7 + 1}T00:00:00Z"} for n in range(7)]
NOW = {"rows": ROWS, "url": "", "fail_after": 99}

@dlt.resource
def plain():
    yield from NOW["rows"]

@dlt.resource
def growing(at=dlt.sources.incremental("at")):
    for number, row in enumerate(NOW["rows"]):
        if number >= NOW["fail_after"]:
            raise ConnectionError("gone")
        yield row

@dlt.resource
def arrow():
    for start in range(0, len(NOW["rows"]), 2):
        yield pyarrow.Table.from_pylist(NOW["rows"][start:start + 2])

@dlt.resource
def arrow_growing(at=dlt.sources.incremental("at")):
    yield from arrow()

@dlt.resource
def remembering():
    state = dlt.current.resource_state()
    start = state.get("next", 0)
    for row in NOW["rows"][start:]:
        state["next"] = state.get("next", 0) + 1
        yield row

@dlt.source
def several(prefix=""):
    return plain, growing

def api():
    return rest_api_source({
        "client": {"base_url": NOW["url"]},
        "resources": [{"name": "rows", "endpoint": {
            "path": "rows", "data_selector": "items", "params": {"from": "{incremental.start_value}"},
            "incremental": {"cursor_path": "at", "initial_value": "2026-01-01T00:00:00Z"},
            "paginator": {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"}}}],
    })
"""


@pytest.fixture
def dlt_project(project):
    pytest.importorskip("dlt", reason="needs the extra `dlt`")
    (project / "shop" / "rows.py").write_text(DLT)
    return project


def now(project):
    source(project, "plain")
    return sys.modules["shop.rows"].NOW


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["plain", "growing", "arrow", "arrow_growing", "remembering"])
class TestDlt(SourceContract):
    @pytest.fixture(autouse=True)
    def _project(self, dlt_project, name, key):
        self.project, self.name, self.key = dlt_project, name, key

    def open(self):
        return source(self.project, self.name, key=self.key)


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["plain", "growing", "arrow", "arrow_growing", "remembering"])
def test_a_dlt_resource_is_ingested_and_then_what_is_new(dlt_project, name, key, tmp_path):
    store, said = Store(tmp_path / "store"), settings(name, key=key)
    assert ingest("rows", said, store, dlt_project, "r1").kept == 7
    assert ingest("rows", said, store, dlt_project, "r2").read == 0
    now(dlt_project)["rows"] += [{"id": 7, "at": "2026-01-08T00:00:00Z"}, {"id": 8, "at": "2026-01-09T00:00:00Z"}]
    assert ingest("rows", said, store, dlt_project, "r3").kept == 2
    assert sorted(Table(store, "tables/rows").read()["id"]) == list(range(9))


@pytest.mark.parametrize("key", [None, "id"])
def test_a_dlt_resource_that_fails_midway_loses_and_doubles_nothing(dlt_project, key, tmp_path):
    store, said = Store(tmp_path / "store"), settings("growing", key=key)
    now(dlt_project)["fail_after"] = 5
    with pytest.raises(SourceError, match=r"failed: ResourceExtractionError.+gone"):
        ingest("rows", said, store, dlt_project, "r1")
    assert Table(store, "tables/rows").read()["id"].to_list() == [0, 1]
    now(dlt_project)["fail_after"] = 99
    ingest("rows", said, store, dlt_project, "r2")
    assert Table(store, "tables/rows").read()["id"].to_list() == list(range(7))


def test_the_state_of_dlt_takes_effect_with_the_last_rows_alone(dlt_project):
    batches = read(source(dlt_project, "growing"))
    assert [batch.position["state"] for batch in batches[:-1]] == [None] * (len(batches) - 1)
    assert '"last_value":"2026-01-07T00:00:00Z"' in batches[-1].position["state"]


def test_a_dlt_source_of_several_resources_needs_one_named(dlt_project):
    assert ids(read(source(dlt_project, "several", table="plain", **{"with": {"prefix": "x"}}))) == list(range(7))
    with pytest.raises(SourceError, match=r"has 2 resources(.|\n)*plain, growing"):
        read(source(dlt_project, "several"))
    with pytest.raises(SourceError, match=r"has no resource `plan`\. Did you mean `plain`"):
        read(source(dlt_project, "several", table="plan"))


def test_the_rest_api_source_of_dlt_reads_an_api_incrementally(dlt_project, tmp_path):
    rows = [{"id": n, "at": f"2026-01-0{n}T00:00:00Z"} for n in range(1, 8)]
    with Api(rows, "token") as api:
        api.since = "from"
        now(dlt_project)["url"] = f"http://127.0.0.1:{api.port}/"
        store, said = Store(tmp_path / "store"), settings("api", key="id")
        assert ingest("rows", said, store, dlt_project, "r1").kept == 7
        api.rows.append({"id": 8, "at": "2026-01-08T00:00:00Z"})
        api.requests.clear()
        assert ingest("rows", said, store, dlt_project, "r2").kept == 1
    assert api.requests[0][1]["from"] == "2026-01-07T00:00:00Z"
    assert sorted(Table(store, "tables/rows").read()["id"]) == [1, 2, 3, 4, 5, 6, 7, 8]
