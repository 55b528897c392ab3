from __future__ import annotations

import gzip
import threading
import zipfile
from pathlib import Path

import obstore
import pytest
from obstore.store import from_url

from emulators import KEY, SECRET
from millrace.config.schema import SourceSettings
from millrace.errors import RemoteError, SourceError
from millrace.project import Project
from millrace.records.batch import Position
from millrace.sources import open_source
from millrace.sources.base import Source
from millrace.sources.files.spool import Spool
from millrace.testing.sources import SourceContract, read
from unit.sources.test_contract import WRITERS


def upload(bucket: str, folder: Path, below: str = "raw") -> None:
    objects = from_url(bucket)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            obstore.put(objects, f"{below}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def put(bucket: str, **texts: str) -> None:
    for name, text in texts.items():
        obstore.put(from_url(bucket), f"raw/{name}.csv", text.encode())


def opened(location: str, folder: Path = Path(), **stated: object) -> Source:
    return open_source("s", SourceSettings(**{"from": location}, **stated), folder)


def rows(location: str, after: Position | None = None) -> list[tuple[str, list[tuple]]]:
    return [(batch.origin.rpartition("/")[2], batch.frame.rows()) for batch in read(opened(location), after)]


@pytest.fixture
def writing(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return WRITERS[request.param](tmp_path)


@pytest.mark.parametrize("writing", WRITERS, indirect=True)
def test_a_format_reads_in_a_bucket_as_in_a_folder(bucket: str, tmp_path: Path, writing: str) -> None:
    upload(bucket, tmp_path)
    here, there = read(opened(writing, tmp_path)), read(opened(f"{bucket}/raw/{writing}"))
    assert [batch.origin for batch in there] == [f"{bucket}/raw/{batch.origin}" for batch in here]
    for local, remote in zip(here, there, strict=True):
        assert remote.frame.equals(local.frame)
        assert remote.refused.equals(local.refused)
        assert remote.position["done"].keys() == local.position["done"].keys()


@pytest.mark.parametrize("kind", WRITERS)
class TestObjects(SourceContract):
    @pytest.fixture(autouse=True)
    def _objects(self, s3, kind, tmp_path, monkeypatch):
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("millrace.sources.files.source.BATCH_ROWS", 2)
        bucket = f"contract-{kind}-{tmp_path.name.replace('_', '-').lower()}"[:60].strip("-")
        s3.make(bucket)
        self.location = f"s3://{bucket}/raw/{WRITERS[kind](tmp_path)}"
        upload(f"s3://{bucket}", tmp_path)

    def open(self) -> Source:
        return opened(self.location)


def test_packed_files_and_odd_names_are_read(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "März 1 #2.csv.gz").write_bytes(gzip.compress(b"n\n1\n"))
    with zipfile.ZipFile(tmp_path / "b.csv.zip", "w") as archive:
        archive.writestr("b.csv", "n\n2\n")
    upload(bucket, tmp_path)
    assert rows(f"{bucket}/raw/*.csv.*") == [("März 1 #2.csv.gz", [(1,)]), ("b.csv.zip", [(2,)])]


def test_a_glob_reads_a_listing_as_it_does_a_folder(bucket: str, tmp_path: Path) -> None:
    for name in ("a.csv", "b.txt", "2025/a.csv", "2026/a.csv", "2026/05/c.csv", "2026-old/a.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("n\n1\n")
    upload(bucket, tmp_path)
    for glob in ("*.csv", "a.*", "202?/*.csv", "2026/**/*.csv", "**/*.csv", "2026*/a.csv", "[ab].*", "2026/a.csv"):
        local = {batch.origin for batch in read(opened(glob, tmp_path))}
        assert {batch.origin.removeprefix(f"{bucket}/raw/") for batch in read(opened(f"{bucket}/raw/{glob}"))} == local


def test_new_objects_are_read_at_the_next_listing_and_no_others(bucket: str) -> None:
    put(bucket, b="n\n1\n2\n")
    after = read(opened(f"{bucket}/raw/*.csv"))[-1].position
    put(bucket, a="n\n3\n", c="n\n4\n")
    assert rows(f"{bucket}/raw/*.csv", after) == [("a.csv", [(3,)]), ("c.csv", [(4,)])]


@pytest.mark.parametrize(
    ("content", "how"), [("n\n1\n2\n3\n", "grew"), ("n\n1\n", "shrank"), ("n\n1\n9\n", "was rewritten")]
)
def test_an_object_that_changed_after_it_was_ingested_is_an_error(bucket: str, content: str, how: str) -> None:
    put(bucket, a="n\n1\n2\n")
    after = read(opened(f"{bucket}/raw/a.csv"))[-1].position
    put(bucket, a=content)
    with pytest.raises(SourceError, match=rf"`a.csv` {how} since(.|\n)*Next: restore the file"):
        read(opened(f"{bucket}/raw/a.csv"), after)


def test_an_object_is_read_as_it_was_when_it_was_copied(bucket: str) -> None:
    put(bucket, a="n\n1\n", b="n\n2\n")
    source = opened(f"{bucket}/raw/*.csv")
    source.schema()
    put(bucket, b="n\n7\n")
    assert [batch.frame.rows() for batch in read(source)] == [[(1,)], [(2,)]]


def test_an_object_replaced_before_it_was_copied_is_an_error(bucket: str) -> None:
    put(bucket, a="n\n1\n", b="n\n2\n")
    source = open_source("s", SourceSettings(**{"from": f"{bucket}/raw/*.csv"}), Path(), {"n": "integer"})
    batches = source.batches(None)
    assert next(batches).frame.rows() == [(1,)]
    put(bucket, b="n\n7\n")
    with pytest.raises(SourceError, match=r"b.csv` was replaced or removed while"):
        next(batches)


def test_an_object_of_many_pieces_is_the_same(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millrace.sources.files.remote._PIECE", 1000)
    put(bucket, a="n\n" + "".join(f"{n}\n" for n in range(5000)))
    assert [n for _, part in rows(f"{bucket}/raw/a.csv") for (n,) in part] == list(range(5000))


def test_a_missing_object_is_an_error_with_the_nearest_name(bucket: str) -> None:
    put(bucket, customers="n\n1\n")
    for location in ("custmers.csv", "custmers*.csv"):
        with pytest.raises(SourceError, match=r"Nothing is at(.|\n)*Did you mean `customers.csv`\?"):
            opened(f"{bucket}/raw/{location}").schema()


def test_a_missing_bucket_is_a_remote_error_without_secrets(bucket: str) -> None:
    with pytest.raises(RemoteError, match=r"cannot be listed: (.|\n)*(NoSuchBucket|ContainerNotFound)") as caught:
        opened(f"{bucket}-none/raw/*.csv").schema()
    assert not [secret for secret in (SECRET, KEY) if secret in f"{caught.value!r}{caught.value}"]


def test_a_broken_object_is_named_by_its_url(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no such thing")
    upload(bucket, tmp_path)
    with pytest.raises(SourceError, match="cannot be read as Parquet") as caught:
        opened(f"{bucket}/raw/a.parquet").schema()
    assert caught.value.where == f"{bucket}/raw/a.parquet"


def fetched(to: Path) -> None:
    to.write_bytes(b"12345")


def test_copies_are_bounded_and_the_oldest_go_first() -> None:
    spool = Spool(idle_bytes=10)
    with spool.kept("a", "x/a.csv", fetched) as a, spool.kept("b", "x/b.csv", fetched) as b:
        with spool.kept("c", "x/c.csv", fetched) as c:
            assert [path.exists() for path in (a, b, c)] == [True, True, True]
        assert c.exists()
    assert [path.exists() for path in (a, b, c)] == [False, True, True]
    with spool.kept("a", "x/a.csv", fetched) as again:
        assert (again, again.exists()) == (a, True)
    folder = c.parent.parent
    del spool
    assert not folder.exists()


def test_one_copy_serves_all_that_read_it_at_once() -> None:
    spool, made, barrier = Spool(), [], threading.Barrier(4)

    def fetch(to: Path) -> None:
        made.append(to)
        fetched(to)

    def use() -> None:
        barrier.wait()
        with spool.kept("a", "a.csv", fetch) as copy:
            assert copy.read_bytes() == b"12345"

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_disk_without_room_for_a_copy_is_an_error_that_says_where(tmp_path: Path) -> None:
    def full(to: Path) -> None:
        to.write_bytes(b"1")
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(SourceError, match=r"no room for a copy of `a.csv`(.|\n)*set TMPDIR"),
        Spool().kept("a", "a.csv", full),
    ):
        pass


def test_a_project_is_proposed_for_objects(bucket: str, tmp_path: Path) -> None:
    put(bucket, **{f"day-{n}": "id,y\n" + "".join(f"{20 * n + i},{i % 2}\n" for i in range(20)) for n in range(2)})
    project = Project.load(Project.init(f"{bucket}/raw/day-*.csv", "y", folder=tmp_path).path)
    ((name, source),) = project.settings.sources.items()
    assert (name, source.from_, source.key) == ("raw", f"{bucket}/raw/day-*.csv", "id")
    assert [one.kept for one in project.ingest()] == [40]
