"""What a catalogue hears of the stages: a real HTTP server receives the events, held against the spec's own demands."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("openlineage.client", reason="the extra `openlineage` is not installed")
jsonschema = pytest.importorskip("jsonschema")

from millrace.errors import MillraceError  # noqa: E402
from millrace.ingest.dataset import dataset  # noqa: E402
from millrace.lineage.jobs import learned  # noqa: E402
from millrace.lineage.openlineage import Events  # noqa: E402
from millrace.project import Project  # noqa: E402
from unit.lineage.conftest import SETTINGS, SQL  # noqa: E402

#: What the specification demands of a RunEvent and of the facets used here (spec 2-0-2, openlineage.io).
_TEXT, _URI, _COUNT = {"type": "string"}, {"type": "string", "format": "uri"}, {"type": "integer"}


def _facet(required: dict) -> dict:
    known = {"_producer": _URI, "_schemaURL": _URI}
    return {"type": "object", "required": [*known, *required], "properties": known | required}


def _listed(required: dict) -> dict:
    return {"type": "array", "items": {"type": "object", "required": list(required), "properties": required}}


_RUN_ID = {"type": "object", "required": ["runId"], "properties": {"runId": {"type": "string", "format": "uuid"}}}
_NAMED = {"namespace": _TEXT, "name": _TEXT}
_JOB = {"type": "object", "required": list(_NAMED), "properties": _NAMED}
_FACETS = {
    "schema": _facet({"fields": _listed({"name": _TEXT})}),
    "version": _facet({"datasetVersion": _TEXT}),
    "dataQualityMetrics": _facet({"columnMetrics": {"type": "object"}, "rowCount": _COUNT}),
    "dataQualityAssertions": _facet({"assertions": _listed({"assertion": _TEXT, "success": {"type": "boolean"}})}),
    "outputStatistics": _facet({"rowCount": _COUNT}),
    "sql": _facet({"query": _TEXT}),
    "parent": _facet({"run": _RUN_ID, "job": _JOB}),
    "errorMessage": _facet({"message": _TEXT, "programmingLanguage": _TEXT}),
}
_GROUP = {"type": "object", "properties": _FACETS, "additionalProperties": _facet({})}
_DATA = {**_JOB, "properties": _NAMED | {"facets": _GROUP, "inputFacets": _GROUP, "outputFacets": _GROUP}}
RUN_EVENT = {
    "type": "object",
    "required": ["run", "job", "eventTime", "producer", "schemaURL", "eventType"],
    "properties": {
        "eventType": {"enum": ["START", "COMPLETE", "FAIL", "ABORT", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": _URI,
        "schemaURL": _URI,
        "run": {**_RUN_ID, "properties": _RUN_ID["properties"] | {"facets": _GROUP}},
        "job": {**_JOB, "properties": _NAMED | {"facets": _GROUP}},
        "inputs": {"type": "array", "items": _DATA},
        "outputs": {"type": "array", "items": _DATA},
    },
}


class Catalogue(ThreadingHTTPServer):
    """Keeps every event that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[dict] = []
        self.answer = 201
        self.content = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append({"path": self.path} | json.loads(content))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch, tmp_path):
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT", "OPENLINEAGE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def catalogue(monkeypatch) -> Iterator[Catalogue]:
    with Catalogue() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path):
    (tmp_path / "a.csv").write_text("id,tenure\n1,5\n2,-1\n3,9\n")
    rules = "checks: {old: tenure >= 0, known: id > 0}"
    (tmp_path / "millrace.yaml").write_text(
        f"project: churn\nsources: {{customers: {{from: a.csv, {rules}}}}}\nmodel: {{predict: tenure}}\n"
    )
    return Project.load(tmp_path / "millrace.yaml")


def valid(events: list[dict]) -> list[dict]:
    check = jsonschema.Draft202012Validator(RUN_EVENT, format_checker=jsonschema.FormatChecker())
    for event in events:
        check.validate(event)
    return events


def test_an_ingest_is_told_with_its_files_its_table_and_what_the_checks_found(project, catalogue, tmp_path):
    project.ingest()
    start, complete = valid(catalogue.heard)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["path"] == "/api/v1/lineage"
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert (complete["job"]["namespace"], complete["job"]["name"]) == ("millrace", "churn.ingest.customers")
    (file,) = complete["inputs"]
    assert (file["namespace"], file["name"]) == ("file", str(tmp_path / "a.csv"))
    assert file["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3
    found = {one["assertion"]: one["success"] for one in file["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert found == {"old": False, "known": True}
    (table,) = complete["outputs"]
    assert table["name"] == str(tmp_path / "store" / "tables" / "customers")
    assert table["facets"]["version"]["datasetVersion"] == "1"
    assert [one["name"] for one in table["facets"]["schema"]["fields"]] == ["id", "tenure"]
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 2


def test_a_second_ingest_tells_only_of_what_was_new(project, catalogue):
    project.ingest()
    project.ingest()
    assert catalogue.heard[-1]["inputs"] == []


def test_a_failed_ingest_is_told_with_its_error(project, catalogue, tmp_path):
    (tmp_path / "a.csv").unlink()
    with pytest.raises(MillraceError, match=r"a\.csv"):
        project.ingest()
    *_, fail = valid(catalogue.heard)
    assert fail["eventType"] == "FAIL"
    assert "a.csv" in fail["run"]["facets"]["errorMessage"]["message"]


def test_a_dataset_is_told_with_its_query_and_the_versions_it_read(two_runs, catalogue):
    events = Events()
    with events.job("churn.dataset", "r9", "churn.run") as job:
        events.note(learned, job, two_runs, dataset(SETTINGS, two_runs)[1], SQL)
    *_, complete = valid(catalogue.heard)
    assert complete["job"]["facets"]["sql"]["query"] == SQL
    read = {one["name"].rsplit("/", 1)[1]: one["facets"]["version"]["datasetVersion"] for one in complete["inputs"]}
    assert read == {"customers": "2", "tickets": "1"}
    (made,) = complete["outputs"]
    assert made["name"] == two_runs.at("datasets/churn")
    assert made["facets"]["version"]["datasetVersion"] == "2"
    assert complete["run"]["facets"]["parent"]["job"]["name"] == "churn.run"


def test_the_same_job_of_the_same_run_has_one_id_wherever_it_is_told(catalogue):
    for _ in range(2):
        with Events().job("churn.run", "r1"):
            pass
    with Events().job("churn.run", "r2"):
        pass
    ids = [event["run"]["runId"] for event in catalogue.heard]
    assert len(set(ids[:4])) == 1
    assert ids[4] != ids[0]


def test_events_go_into_a_file_where_that_is_configured(project, monkeypatch, tmp_path):
    written = tmp_path / "events.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(written))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    project.ingest()
    events = [json.loads(line) for line in written.read_text().splitlines()]
    assert [event["eventType"] for event in valid(events)] == ["START", "COMPLETE"]


def told(caplog) -> str:
    (said,) = [record.getMessage() for record in caplog.records if record.name == "millrace.lineage"]
    return said


def test_a_catalogue_that_is_not_there_breaks_nothing_and_is_told_of_once(project, monkeypatch, caplog):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://ann:secret@127.0.0.1:1")
    (done,) = project.ingest()
    assert done.kept == 2
    assert told(caplog) == (
        "OpenLineage was not told that churn.ingest.customers starts: "
        "http://127.0.0.1:1/api/v1/lineage cannot be reached: Connection refused. "
        "This run is otherwise unaffected, and tells no more.\n"
        "Next: correct OPENLINEAGE_URL or start the catalogue, or set OPENLINEAGE_DISABLED=true"
    )


@pytest.mark.parametrize(
    ("answer", "asked", "said", "step"),
    [
        (401, 1, "answers 401 Unauthorized.", "set OPENLINEAGE_API_KEY"),
        (404, 1, "answers 404 Not Found, so no catalogue listens there.", "correct OPENLINEAGE_URL"),
        (422, 1, "answers 422 Unprocessable Entity: no such field.", "see whether it speaks OpenLineage 2"),
        (500, 3, "answers 500 Internal Server Error: no such field.", "look at the log of the catalogue"),
    ],
)
def test_a_catalogue_that_refuses_breaks_nothing(project, catalogue, caplog, answer, asked, said, step):
    catalogue.answer, catalogue.content = answer, b"no such\n field"
    (done,) = project.ingest()
    assert done.kept == 2
    assert len(catalogue.heard) == asked
    assert f"{catalogue.url}/api/v1/lineage {said}" in told(caplog)
    assert f"Next: {step}" in told(caplog)


def test_a_catalogue_that_keeps_silent_is_asked_once(project, monkeypatch, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps({"type": "http", "url": url, "timeout": 0.2}))
        assert project.ingest()[0].kept == 2
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert "does not answer within 0.2 s" in told(caplog)


def test_a_run_waits_for_events_that_are_sent_behind_its_back(project, catalogue, monkeypatch):
    monkeypatch.delenv("OPENLINEAGE_URL")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps({"type": "async_http", "url": catalogue.url}))
    project.ingest()
    assert [event["eventType"] for event in catalogue.heard] == ["START", "COMPLETE"]


def test_events_that_are_refused_behind_its_back_are_told_of(project, catalogue, monkeypatch, caplog):
    catalogue.answer = 403
    monkeypatch.delenv("OPENLINEAGE_URL")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps({"type": "async_http", "url": catalogue.url}))
    project.ingest()
    assert "OpenLineage was not told of all jobs" in told(caplog)


def test_a_look_that_fails_leaves_the_job_told(catalogue, caplog):
    events = Events()

    def broken(job):
        raise OSError("the disk is gone")

    with events.job("churn.ingest.customers", "r1") as job:
        events.note(broken, job)
    assert [event["eventType"] for event in catalogue.heard] == ["START", "COMPLETE"]
    assert "OpenLineage is told less of this run" in told(caplog)


def test_a_configuration_that_is_not_there_is_named(project, monkeypatch, caplog):
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "elsewhere.yml")
    assert project.ingest()[0].kept == 2
    assert told(caplog).endswith("OPENLINEAGE_CONFIG names `elsewhere.yml`, which is not there")


def test_a_wrong_configuration_breaks_nothing(project, monkeypatch, caplog):
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps({"type": "pigeon"}))
    assert project.ingest()[0].kept == 2
    assert "OpenLineage is configured and not told" in caplog.text


def test_a_missing_extra_is_named_with_what_installs_it(project, monkeypatch, caplog):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    monkeypatch.setitem(__import__("sys").modules, "openlineage.client", None)
    assert project.ingest()[0].kept == 2
    assert "pip install 'millrace[openlineage]'" in caplog.text


def test_without_configuration_nobody_is_told():
    assert Events()._client is None


def test_disabled_means_disabled(catalogue, project, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    project.ingest()
    assert catalogue.heard == []
