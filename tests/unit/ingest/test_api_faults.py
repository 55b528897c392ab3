"""An API is read while processes die and servers go: every record is in the table or in quarantine exactly once."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import threading

import pytest

import api_server
from api_server import Api
from millrace.errors import RemoteError
from millrace.ingest.intake import POINTS
from millrace.store.objects import Store
from unit.ingest import api_intake, intake

SERIES = int(os.environ.get("MILLRACE_FAULTS", "1"))
LONG = SERIES > 1
WAYS = [(style, since) for style in ("next", "token", "link") for since in (False, True)]
SHORT = [("next", False), ("token", True)]
BATCHES = 4 if LONG else 1
DEATHS = [f"{point}-{batch}" for batch in range(BATCHES) for point in POINTS]

processes = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def forkserver():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        processes.set_forkserver_preload(["unit.ingest.intake", "unit.ingest.api_intake", "duckdb"])
        child = processes.Process(target=str)
        child.start()
        child.join(60)


@pytest.fixture(params=WAYS if LONG else SHORT, ids=lambda way: f"{way[0]}{'-since' if way[1] else ''}")
def way(request):
    return request.param


@pytest.fixture
def api(way):
    with Api(api_intake.ROWS, way[0]) as found:
        if way[1]:
            found.since = "from"
        yield found


def started(target, *args):
    child = processes.Process(target=target, args=args)
    child.start()
    return child


def plainly(raw):
    """A refused record: its id and the value that is wrong."""
    record = json.loads(raw)
    return f"{record['id']} {record['tenure']}" if isinstance(record, dict) else str(record)


def assert_exactly_once(folder, kept=tuple(api_intake.KEPT)):
    table, refused = intake.rests(Store(folder))
    assert sorted(table["id"]) == sorted(kept)
    assert sorted(map(plainly, refused["_raw"])) == ["3 -3", "4 many", "7"]
    assert not any(b"hunter2" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("ordinal", range(len(DEATHS)), ids=DEATHS)
def test_a_killed_ingest_continues_at_the_right_page(api, way, ordinal, tmp_path):
    child = started(api_intake.die_at, tmp_path, api.port, way[1], ordinal)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    api_intake.take(tmp_path, api.port, way[1])
    assert_exactly_once(tmp_path)


@pytest.mark.parametrize("page", range(5) if LONG else [0, 2])
def test_a_process_killed_in_the_middle_of_a_page_loses_and_doubles_nothing(api, way, page, tmp_path):
    half = threading.Event()

    def stop_in_the_middle(exchange):
        body = json.dumps(api.page(exchange.query)[0]).encode()
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body[: len(body) // 2])
        exchange.wfile.flush()
        half.set()
        exchange.rfile.read(1)
        exchange.close_connection = True
        return True

    api.faults = {page: stop_in_the_middle}
    begun = processes.Event()
    child = started(api_intake.live_until_killed, tmp_path, api.port, way[1], begun, "killed")
    assert half.wait(60)
    child.kill()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    api_intake.take(tmp_path, api.port, way[1])
    assert_exactly_once(tmp_path)


@pytest.mark.parametrize("page", range(5) if LONG else [3])
@pytest.mark.parametrize("how", ["cut", "truncated"])
def test_a_server_that_goes_in_the_middle_of_a_page_and_comes_back(way, how, page, tmp_path):
    with Api(api_intake.ROWS, way[0]) as api:
        api.since = "from" if way[1] else None
        fault = getattr(api_server, how)

        def gone(exchange):
            api.always = fault
            return fault(exchange)

        api.faults = {page: gone}
        with pytest.raises(RemoteError, match="broke off"):
            api_intake.take(tmp_path, api.port, way[1])
        port = api.port
    with pytest.raises(RemoteError, match="cannot be reached"):
        api_intake.take(tmp_path, port, way[1])
    with Api(api_intake.ROWS, way[0], port=port) as api:
        api.since = "from" if way[1] else None
        api_intake.take(tmp_path, port, way[1])
    assert_exactly_once(tmp_path)


@pytest.mark.parametrize("seed", range(SERIES))
def test_two_writers_at_once_write_what_one_would(api, way, seed, tmp_path):
    barrier = processes.Barrier(2)
    pair = [
        started(api_intake.start_together, tmp_path, api.port, way[1], barrier, f"run-{number}") for number in range(2)
    ]
    for child in pair:
        child.join(60)
    assert [child.exitcode for child in pair] == [0, 0]
    assert_exactly_once(tmp_path)


@pytest.mark.parametrize("seed", range(SERIES))
def test_rows_that_come_and_pages_that_shift_while_processes_die(api, way, seed, tmp_path):
    chance = random.Random(seed)
    kept = list(api_intake.KEPT)
    for death in range(5):
        begun = processes.Event()
        child = started(api_intake.live_until_killed, tmp_path, api.port, way[1], begun, f"death-{death}")
        begun.wait(60)
        child.join(chance.uniform(0, 0.2))
        child.kill()
        child.join(60)
        kept.append(100 + death)
        row = {"id": 100 + death, "at": f"2026-01-01T10:07:{10 + death}Z", "tenure": 1}
        # Rows are added anywhere, as APIs do that sort by something else; none is taken away.
        api.rows.insert(chance.randint(0, len(api.rows)), row)
    # The first ends the sweep that was cut; a row put on a page already passed is found by the next sweep.
    api_intake.take(tmp_path, api.port, way[1])
    api_intake.take(tmp_path, api.port, way[1])
    assert_exactly_once(tmp_path, kept)
    assert api_intake.take(tmp_path, api.port, way[1]).read == 0
