import gzip

import pytest

from api_server import Api, cut, status
from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.ingest.stage import ingest
from millrace.sources import open_source
from millrace.sources.http.kind import is_file
from millrace.sources.proposing.project_file import propose
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract
from unit.sources.spreadsheet import write_workbook

CSV = b"id,name\n1,ann\n2,bob\nbroken\n3,cy\n4,di\n5,eve\n"


class Files:
    """A server that knows the tag of its files."""

    def __init__(self, api):
        self.content = {"/a.csv": CSV, "/b.csv.gz": gzip.compress(CSV, mtime=0)}
        self.sent = 0
        api.others = dict.fromkeys(self.content, self.give)

    def give(self, exchange):
        content = self.content[exchange.place]
        tag = f'"{len(content)}"'
        if exchange.headers.get("If-None-Match") == tag:
            exchange.send(b"", status=304)
            return
        self.sent += 1
        exchange.send(content, {"ETag": tag}, kind="text/csv")


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr("millrace.sources.http.client.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("millrace.sources.files.source.BATCH_ROWS", 2)
    with Api() as found:
        found.files = Files(found)
        yield found


def settings(api, name="a.csv", **said):
    return SourceSettings.model_validate({"from": f"http://127.0.0.1:{api.port}/{name}", "api": said})


@pytest.mark.parametrize("name", ["a.csv", "b.csv.gz", "a.csv?version=2"])
class TestDownload(SourceContract):
    @pytest.fixture(autouse=True)
    def _api(self, api, name, tmp_path):
        self.api, self.name, self.folder = api, name, tmp_path

    def open(self):
        return open_source("rows", settings(self.api, self.name), self.folder)


def test_a_file_that_is_the_same_is_not_sent_again(api, tmp_path):
    said, store = settings(api), Store(tmp_path)
    assert ingest("rows", said, store, tmp_path, "r1").kept == 5
    assert ingest("rows", said, store, tmp_path, "r2").read == 0
    assert api.files.sent == 1
    assert len(api.requests) == 2


def test_a_file_that_changed_is_refused_like_a_local_one(api, tmp_path):
    said, store = settings(api), Store(tmp_path)
    ingest("rows", said, store, tmp_path, "r1")
    api.files.content["/a.csv"] = CSV + b"6,flo\n"
    with pytest.raises(SourceError, match=r"`a.csv` grew since it was ingested"):
        ingest("rows", said, store, tmp_path, "r2")


def test_a_download_that_breaks_off_is_begun_again(api, tmp_path):
    api.faults = {0: status(503), 1: cut}
    said = settings(api, auth={"bearer": "hunter2-hunter2"})
    ingest("rows", said, Store(tmp_path), tmp_path, "r")
    assert sorted(Table(Store(tmp_path), "tables/rows").read()["id"]) == [1, 2, 3, 4, 5]
    assert api.requests[-1][2]["Authorization"] == "Bearer hunter2-hunter2"


def test_the_ending_says_what_is_a_file():
    assert is_file(SourceSettings.model_validate({"from": "https://x/a.parquet"}))
    assert not is_file(SourceSettings.model_validate({"from": "https://x/v1.2/rows"}))
    assert not is_file(SourceSettings.model_validate({"from": "https://x/rows"}))


def test_a_url_without_host_is_refused(tmp_path):
    with pytest.raises(Exception, match="names no host"):
        open_source("rows", SourceSettings.model_validate({"from": "https:///a.csv"}), tmp_path)


def test_a_workbook_at_a_url_is_looked_into_like_a_local_one(api, tmp_path):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    rows = [["n", "s"], *([n, "a"] for n in range(5))]
    write_workbook(tmp_path / "a.xlsx", {"one": [["x", "y"], [1, 2]], "two": [["Report"], [], *rows]})
    api.files.content["/a.xlsx"] = (tmp_path / "a.xlsx").read_bytes()
    api.others["/a.xlsx"] = api.files.give
    url = f"http://127.0.0.1:{api.port}/a.xlsx"
    text = propose(url, None, tmp_path)
    assert f'    from: "{url}"\n    sheet: two  # 5 rows of 2 columns' in text
    assert "    skip: 2  # the header stands in row 3; above it: Report" in text
    assert "    sheet: one  # 1 row of 2 columns\n" in propose(url, "y", tmp_path)
