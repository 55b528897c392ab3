from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest

from emulators import KEY, SECRET
from millrace.errors import MillraceError, ProjectFileError, RemoteError
from millrace.records.release import Release
from millrace.store import releases
from millrace.store.objects import Store
from millrace.store.prediction_log import wal
from millrace.store.tables import Table

WRITERS = 6


@pytest.fixture
def remote(bucket: str) -> Store:
    return Store(f"{bucket}/team/churn/")


def at_once(work: object) -> list:
    """What `work` gives for each of several threads that start together."""
    barrier = Barrier(WRITERS)

    def start(writer: int) -> object:
        barrier.wait()
        return work(writer)

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(start, range(WRITERS)))


def test_objects_rest_below_the_prefix(remote: Store, bucket: str) -> None:
    remote.write("reports/1.html", b"one")
    remote.write("reports/1.html", b"two")
    assert remote.read("reports/1.html") == b"two"
    assert remote.read("reports/2.html") is None
    assert Store(bucket).keys("team") == ("team/churn/reports/1.html",)
    assert remote.keys("report") == ()


@pytest.mark.parametrize("key", [f"commits/{number}.json" for number in range(4)])
def test_of_many_creators_at_once_one_writes(remote: Store, key: str) -> None:
    assert sorted(at_once(lambda writer: remote.create(key, b"by %d" % writer))) == [False] * (WRITERS - 1) + [True]
    assert remote.create(key, b"late") is False
    assert remote.read(key).startswith(b"by ")


def test_releases_of_writers_at_once_have_no_gap_and_no_double(remote: Store) -> None:
    def promote(writer: int) -> Release:
        return releases.append(
            remote,
            lambda past: Release(
                len(past) + 1, "promote", "churn", 1, None, f"2026-01-0{writer + 1}", f"w{writer}", ""
            ),
        )

    written = at_once(promote)
    assert sorted(release.number for release in written) == list(range(1, WRITERS + 1))
    assert {release.by for release in releases.history(remote)} == {f"w{writer}" for writer in range(WRITERS)}


def test_tables_of_writers_at_once_take_one_commit(remote: Store) -> None:
    table = Table(remote, "tables/customers")
    table.append(table.snapshot(), pl.DataFrame({"x": [0]}), 1 << 32)
    now = table.snapshot()
    tries = at_once(lambda writer: table.append(table.snapshot(now.version), pl.DataFrame({"x": [writer]}), 2 << 32))
    assert {snapshot.number for snapshot in tries} == {2 << 32}
    assert table.read().height == 2


def test_a_place_that_does_not_exist_is_a_remote_error(bucket: str) -> None:
    with pytest.raises(RemoteError, match=r"(?s)refuses to write.*does ?n.t exist|NoSuchBucket|ContainerNotFound"):
        Store(f"{bucket}-none").write("a", b"")


def append_first(table: Table) -> None:
    table.append(table.snapshot(), pl.DataFrame({"x": [0]}), 1 << 32)


def test_a_table_in_a_place_that_does_not_exist_is_a_remote_error(bucket: str) -> None:
    with pytest.raises(RemoteError, match=r"The table (cannot|could not)"):
        append_first(Table(Store(f"{bucket}-none"), "tables/a"))


def test_a_store_that_does_not_answer_is_a_remote_error_without_secrets(
    monkeypatch: pytest.MonkeyPatch, remote: Store
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AZURITE_BLOB_STORAGE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    gone = Store(remote.url)
    for attempt in (lambda: gone.create("a", b"x"), lambda: gone.keys("a"), lambda: Table(gone, "tables/a").snapshot()):
        with pytest.raises(RemoteError, match="error sending request") as caught:
            attempt()
        told = f"{caught.value!r} {caught.value} {gone!r} {Table(gone, 'tables/a')!r}"
        assert not [secret for secret in (SECRET, KEY) if secret in told]
        assert "Debug source" not in told


def test_a_secret_in_the_url_is_refused_and_not_repeated() -> None:
    for url in (
        "s3://key:hidden@lake/p",
        "az://lake/p?sig=hidden",
        "abfss://lake:hidden@account.dfs.core.windows.net/",
    ):
        with pytest.raises(ProjectFileError, match="set them in the environment") as caught:
            Store(url)
        assert "hidden" not in str(caught.value)


def test_another_scheme_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ProjectFileError, match=r"Did you mean `s3`\?\n  Allowed here: a folder, s3://") as caught:
        Store("s3a://lake")
    assert caught.value.code == "store.url"


def test_google_and_azure_urls_open_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    assert repr(Store("gs://lake/p/")) == "Store('gs://lake/p')"
    assert repr(Store("abfss://lake@account.dfs.core.windows.net/p")).endswith("windows.net/p')")


def test_a_full_place_is_a_remote_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "commits").write_bytes(b"")
    with pytest.raises(RemoteError, match="refuses to write"):
        store.create("commits/1.json", b"{}")


def test_the_log_of_a_remote_store_waits_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = wal(Store("s3://lake/a")), wal(Store("s3://lake/b"))
    assert one.parent == other.parent == tmp_path / "millrace"
    assert one != other
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(MillraceError, match="XDG_STATE_HOME"):
        wal(Store("s3://lake/a"))


@pytest.mark.parametrize("name", ["a[1]", "a^b", "a|b", "a\\b", "a%20b"])
def test_a_folder_under_which_no_table_can_lie_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectFileError, match="Tables cannot lie in a folder with"):
        Store(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
