import sys

import pytest

from api_server import Api
from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.ingest.stage import ingest
from millrace.sources import open_source
from millrace.sources.proposing.project_file import propose
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

pytest.importorskip("dlt", reason="needs the extra `dlt`")

CODE = """
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


@pytest.fixture(autouse=True)
def _code(project):
    (project / "shop" / "rows.py").write_text(CODE)


def settings(name, **said):
    return SourceSettings.model_validate({"use": f"shop.rows:{name}", "chunk": 2, **said})


def source(project, name, **said):
    return open_source("rows", settings(name, **said), project)


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"]]


def now(project):
    source(project, "plain")
    return sys.modules["shop.rows"].NOW


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["plain", "growing", "arrow", "arrow_growing", "remembering"])
class TestDlt(SourceContract):
    @pytest.fixture(autouse=True)
    def _project(self, project, name, key):
        self.project, self.name, self.key = project, name, key

    def open(self):
        return source(self.project, self.name, key=self.key)


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["plain", "growing", "arrow", "arrow_growing", "remembering"])
def test_a_dlt_resource_is_ingested_and_then_what_is_new(project, name, key, tmp_path):
    store, said = Store(tmp_path / "store"), settings(name, key=key)
    assert ingest("rows", said, store, project, "r1").kept == 7
    assert ingest("rows", said, store, project, "r2").read == 0
    now(project)["rows"] += [{"id": 7, "at": "2026-01-08T00:00:00Z"}, {"id": 8, "at": "2026-01-09T00:00:00Z"}]
    assert ingest("rows", said, store, project, "r3").kept == 2
    assert sorted(Table(store, "tables/rows").read()["id"]) == list(range(9))


@pytest.mark.parametrize("key", [None, "id"])
def test_a_dlt_resource_that_fails_midway_loses_and_doubles_nothing(project, key, tmp_path):
    store, said = Store(tmp_path / "store"), settings("growing", key=key)
    now(project)["fail_after"] = 5
    with pytest.raises(SourceError, match=r"failed: ResourceExtractionError.+gone"):
        ingest("rows", said, store, project, "r1")
    assert Table(store, "tables/rows").read()["id"].to_list() == [0, 1]
    now(project)["fail_after"] = 99
    ingest("rows", said, store, project, "r2")
    assert Table(store, "tables/rows").read()["id"].to_list() == list(range(7))


def test_the_state_of_dlt_takes_effect_with_the_last_rows_alone(project):
    batches = read(source(project, "growing"))
    assert [batch.position["state"] for batch in batches[:-1]] == [None] * (len(batches) - 1)
    assert '"last_value":"2026-01-07T00:00:00Z"' in batches[-1].position["state"]


def test_a_dlt_source_of_several_resources_needs_one_named(project):
    assert ids(read(source(project, "several", table="plain", **{"with": {"prefix": "x"}}))) == list(range(7))
    with pytest.raises(SourceError, match=r"has 2 resources(.|\n)*plain, growing"):
        read(source(project, "several"))
    with pytest.raises(SourceError, match=r"has no resource `plan`\. Did you mean `plain`"):
        read(source(project, "several", table="plan"))


def test_one_resource_of_several_is_proposed_by_its_name(project, monkeypatch):
    monkeypatch.chdir(project)
    text = propose("shop.rows:several", "id", table="plain")
    assert '  plain:\n    use: "shop.rows:several"  # your own code\n    table: plain\n' in text


def test_the_rest_api_source_of_dlt_reads_an_api_incrementally(project, tmp_path):
    rows = [{"id": n, "at": f"2026-01-0{n}T00:00:00Z"} for n in range(1, 8)]
    with Api(rows, "token") as api:
        api.since = "from"
        now(project)["url"] = f"http://127.0.0.1:{api.port}/"
        store, said = Store(tmp_path / "store"), settings("api", key="id")
        assert ingest("rows", said, store, project, "r1").kept == 7
        api.rows.append({"id": 8, "at": "2026-01-08T00:00:00Z"})
        api.requests.clear()
        assert ingest("rows", said, store, project, "r2").kept == 1
    assert api.requests[0][1]["from"] == "2026-01-07T00:00:00Z"
    assert sorted(Table(store, "tables/rows").read()["id"]) == [1, 2, 3, 4, 5, 6, 7, 8]
