"""The process dies at any point, runs twice at once, the disk is full, the server is gone: every row is in one place.

Each kind of source in `unit.ingest.feeds.FEEDS` goes through all of it; `objects` reads from an object store and also
writes into one, through a proxy that fails on purpose.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import secrets
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from polars.testing import assert_frame_equal

from emulators import Emulator
from faulty_proxy import Gone, Lost, Proxy, Storm, proxy
from millrace.errors import RemoteError
from millrace.ingest import grouping
from millrace.ingest.intake import POINTS
from millrace.ingest.quarantine import show
from millrace.store import delta, remote
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest import intake
from unit.ingest.feeds import (
    DUPLICATE,
    FEEDS,
    KEPT,
    REFUSED,
    ROWS,
    Scene,
    assert_every_row_is_in_one_place,
    die_at,
    live_until_killed,
    rests,
    start_together,
    take,
    with_full_disk,
)

#: How many series of random faults to try; `make faults` asks for many, and for a death at each point of every batch.
#: Otherwise each kind of source dies at every third point, no two kinds at the same ones.
SERIES = int(os.environ.get("MILLRACE_FAULTS", "1"))
LONG = SERIES > 1
DEATHS = [
    (feed, point, batch)
    for feed, kind in FEEDS.items()
    for batch in range(kind.batches if LONG else 1)
    for point in (*POINTS, "compacting", "compacted")
    # the table's files are joined, and then those of the quarantine; of a single commit there is one of each
    if point in POINTS or (batch < 2 and not kind.joined)
][:: 1 if LONG else 3]

# A child forked from a server that never ran Polars is safe to fork and starts in milliseconds.
processes = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def forkserver():
    # Before Python 3.13 the server sees the environment's path alone, and would silently preload nothing.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        processes.set_forkserver_preload(["unit.ingest.feeds", "duckdb"])
        child = processes.Process(target=str)
        child.start()
        child.join(60)


@dataclass(frozen=True)
class Faulty:
    """A bucket of its own behind a proxy that fails when it is told to."""

    proxy: Proxy
    bucket: str
    environment: dict[str, str]


@pytest.fixture
def faulty(s3: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    bucket = f"faults-{secrets.token_hex(6)}"
    s3.make(bucket)
    with proxy(s3.port) as between:
        environment = s3.behind(between.port)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield Faulty(between, f"s3://{bucket}", environment)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens in this process: files are joined early, and one more try is enough."""
    monkeypatch.setattr(delta, "SMALL_FILES", delta.SMALL_FILES)
    monkeypatch.setattr(grouping, "MOST_ROWS", grouping.MOST_ROWS)
    monkeypatch.setattr(remote, "RETRIES", 1)
    monkeypatch.setattr(delta, "RETRIES", 1)
    monkeypatch.setitem(delta.OPTIONS, "max_retries", "1")


@pytest.fixture(params=FEEDS)
def scene(request, tmp_path, patient) -> Scene:
    return laid(request, request.param, tmp_path)


def laid(request, feed, folder, *, remotely=False) -> Scene:
    """The rows of a feed and a store for them: a folder, or where the `objects` are, behind the proxy."""
    place = FEEDS[feed].lay(request, folder / "raw")
    if feed != "objects" and not remotely:
        return Scene(feed, place, str(folder / "store"))
    faulty = request.getfixturevalue("faulty")
    return Scene(feed, place, f"{faulty.bucket}/lake", faulty.environment)


@pytest.fixture(scope="module")
def undisturbed(request, tmp_path_factory):
    """What an ingest leaves that nothing happens to, by the kind of source."""
    left = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delta, "SMALL_FILES", delta.SMALL_FILES)
        patch.setattr(grouping, "MOST_ROWS", grouping.MOST_ROWS)
        for feed in FEEDS:
            if feed == "objects":
                continue
            scene = laid(request, feed, tmp_path_factory.mktemp(feed))
            take(scene)
            assert_every_row_is_in_one_place(Store(scene.store))
            left[feed] = rests(Store(scene.store))
    return left | {"objects": left["files"]}


def assert_as_undisturbed(scene, undisturbed):
    """What the next ingest leaves is what one undisturbed ingest leaves."""
    take(scene)
    store = Store(scene.store)
    assert_every_row_is_in_one_place(store)
    for found, wanted in zip(rests(store), undisturbed[scene.feed], strict=True):
        assert_frame_equal(found, wanted)
    assert take(scene).read == 0


@pytest.mark.parametrize(("feed", "point", "batch"), DEATHS)
def test_a_killed_ingest_continues_where_it_stopped(request, tmp_path, patient, undisturbed, feed, point, batch):
    scene = laid(request, feed, tmp_path)
    child = processes.Process(target=die_at, args=(scene, point, batch))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert_as_undisturbed(scene, undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
def test_deaths_at_random_moments_leave_nothing_behind(seed, scene, undisturbed):
    delays = random.Random(seed)
    for death in range(5):
        begun = processes.Event()
        child = processes.Process(target=live_until_killed, args=(scene, begun, f"death-{death}"))
        child.start()
        begun.wait(60)
        child.join(delays.uniform(0, 0.3))
        child.kill()
        child.join(60)
    assert_as_undisturbed(scene, undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
def test_two_writers_at_once_write_what_one_would(seed, scene, undisturbed):
    barrier = processes.Barrier(2)
    pair = [processes.Process(target=start_together, args=(scene, barrier, f"run-{i}")) for i in range(2)]
    for child in pair:
        child.start()
    for child in pair:
        child.join(60)
    assert [child.exitcode for child in pair] == [0, 0]
    assert_as_undisturbed(scene, undisturbed)


#: Not even a receipt fits; the first batch does, and no further one; some do.
LIMITS = range(100, 2100, 100) if LONG else [100, 1000, 2048]
SERVERS = ["postgresql", "mariadb", "mongodb"]
FULL = [(feed, limit) for feed in ("memory", "files", "sqlite", "api") for limit in LIMITS]
FULL += [(feed, limit) for feed in SERVERS for limit in LIMITS]


@pytest.mark.parametrize(("feed", "limit"), FULL if LONG else FULL[::2])
def test_a_full_disk_is_reported_and_loses_nothing(request, tmp_path, patient, undisturbed, feed, limit):
    scene = laid(request, feed, tmp_path)
    answers = processes.Queue()
    child = processes.Process(target=with_full_disk, args=(scene, limit, answers))
    child.start()
    kind, text = answers.get(timeout=60)
    child.join(60)
    assert kind == "RemoteError"
    assert "what was committed is safe" in text
    assert_as_undisturbed(scene, undisturbed)


SERVER_DEATHS = [(feed, point, batch) for feed in SERVERS for batch in range(5 if LONG else 1) for point in POINTS]


@pytest.mark.parametrize(("feed", "point", "batch"), SERVER_DEATHS if LONG else SERVER_DEATHS[::4])
def test_a_database_server_killed_at_any_point_and_started_again_costs_no_row(
    request, tmp_path, patient, undisturbed, feed, point, batch
):
    server = request.getfixturevalue(feed)
    if not server.own:
        pytest.skip("this server is not the tests' own to stop")
    scene = laid(request, feed, tmp_path)
    killings = iter([lambda: None] * batch + [server.stop])

    def watch(step):
        if step.text.endswith(f": {point}"):
            next(killings, str)()

    with contextlib.suppress(RemoteError):
        take(scene, watch)
    with pytest.raises(RemoteError, match="does not answer"):
        take(scene)
    server.start()
    until_it_answers(scene)
    assert_as_undisturbed(scene, undisturbed)


def until_it_answers(scene):
    """Ingest as soon as the server, which listens before it has recovered, lets anyone in."""
    for _ in range(10_000):
        with contextlib.suppress(RemoteError):
            take(scene)
            return
    pytest.fail("the server does not recover")


def test_rules_changed_after_a_death_leave_no_stale_refusals(request, tmp_path):
    child = processes.Process(target=die_at, args=(laid(request, "memory", tmp_path), "quarantined", 0))
    child.start()
    child.join(60)
    store = Store(tmp_path / "store")
    assert Table(store, "quarantine/customers").read(bookkeeping=True)["_row"].to_list() == [4]
    intake.take(store, intake.FRAMES, **(intake.RULES | {"checks": {"first_only": "id < 2"}}))
    assert show(store, "customers", 99).sort("_row")["_row"].to_list() == [2, 3, 4, 5, 6, 8, 9]
    assert Table(store, "tables/customers").read()["id"].to_list() == [1]


@pytest.fixture
def remote_scene(request, tmp_path, patient) -> Scene:
    return laid(request, "objects", tmp_path)


def interrupted(scene: Scene) -> None:
    """Ingest through the failing proxy; it may succeed, and may only fail as another machine does."""
    with contextlib.suppress(RemoteError):
        take(scene)


#: Which request it happens to: some drawn by chance, or each of those that an ingest makes.
MOMENTS = range(0, 160, 2) if LONG else sorted(random.Random(5).sample(range(120), 3))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_gone_from_some_request_on_is_reported_and_loses_nothing(moment, remote_scene, faulty, undisturbed):
    faulty.proxy.suffer(Gone(moment))
    interrupted(remote_scene)
    faulty.proxy.heal()
    assert_as_undisturbed(remote_scene, undisturbed)


def test_a_server_gone_while_known_rows_are_looked_up_is_a_remote_error(remote_scene, faulty, undisturbed):
    bucket = faulty.bucket.removeprefix("s3://")
    faulty.proxy.suffer(Storm(0, f"GET /{bucket}/lake/tables/customers/part-", refuse=1))
    with pytest.raises(RemoteError, match="The rows that are there cannot be read"):
        take(remote_scene)
    faulty.proxy.heal()
    assert_as_undisturbed(remote_scene, undisturbed)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_change_whose_answer_is_lost_is_made_once(moment, remote_scene, faulty, undisturbed):
    """The object was written, and whoever wrote it hears an error; so does the one who tries again."""
    faulty.proxy.suffer(Lost(moment // 3, moment // 3 + 1))
    interrupted(remote_scene)
    faulty.proxy.heal()
    assert_as_undisturbed(remote_scene, undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
@pytest.mark.parametrize("feed", ["sqlite", "postgresql", "api", *(["objects", "mariadb", "mongodb"] if LONG else [])])
def test_commits_that_report_an_error_but_landed_are_made_once(
    request, tmp_path, patient, faulty, undisturbed, feed, seed
):
    """The log of the table has the commit, and whoever wrote it hears an error: of every commit, or of some."""
    scene = laid(request, feed, tmp_path, remotely=True)
    commits = f"PUT /{faulty.bucket.removeprefix('s3://')}/lake/tables/customers/_delta_log/"
    faulty.proxy.suffer(Storm(seed, commits, **{"pass": min(seed, 1)}, lose=1))
    done = take(scene)
    faulty.proxy.heal()
    assert (done.read, done.kept, done.quarantined, done.duplicate) == (len(ROWS), len(KEPT), len(REFUSED), DUPLICATE)
    assert_as_undisturbed(scene, undisturbed)


@pytest.mark.parametrize("what", ["list-type=2", "raw/day-", "_delta_log", ".parquet", "commits/"])
@pytest.mark.parametrize("seed", range(SERIES))
def test_an_answer_that_breaks_off_is_asked_for_again_or_reported(seed, what, remote_scene, faulty, undisturbed):
    """Mid-listing, mid-object, in the middle of the table's log, of its rows, of a receipt."""
    faulty.proxy.suffer(Storm(seed, what, **{"pass": 1}, cut=1))
    interrupted(remote_scene)
    faulty.proxy.heal()
    assert_as_undisturbed(remote_scene, undisturbed)


@pytest.mark.parametrize("seed", range(SERIES))
def test_a_storm_of_all_faults_leaves_every_row_in_one_place(seed, remote_scene, faulty, undisturbed):
    for attempt in range(4):
        faulty.proxy.suffer(Storm(4 * seed + attempt, **{"pass": 12}, refuse=1, lose=1, cut=1))
        interrupted(remote_scene)
    faulty.proxy.heal()
    assert_as_undisturbed(remote_scene, undisturbed)
