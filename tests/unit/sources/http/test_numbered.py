import json
import threading
from itertools import islice
from time import monotonic

import pytest

from api_server import Api, answer, status
from millrace.config.schema import SourceSettings
from millrace.engine.here import Here
from millrace.errors import RemoteError, SourceError
from millrace.ingest.reading import read
from millrace.ingest.stage import ingest
from millrace.sources.http.numbered import NumberedApi
from millrace.sources.registry import open_source
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, assert_same

WAYS = {"page": {"page": "page"}, "offset": {"offset": "offset"}}
KNOWN = {"id": "integer", "n": "integer"}


def rows(count):
    """Records in pages of two; one is refused by its type, one is no object, one comes on two pages."""
    found = [{"id": n, "n": n * 10} for n in range(count)]
    found[5]["n"] = "ten"
    found[9] = 7
    found[13] = found[2]
    return found


@pytest.fixture(params=WAYS)
def api(request, monkeypatch):
    monkeypatch.setattr("millrace.sources.http.client.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("millrace.sources.http.source.SAMPLE", (5_000, 4, 10.0))
    with Api(rows(40), request.param) as found:
        yield found


def settings(api, **said):
    api_said = {"pages": WAYS[api.style], **said}
    source = {"from": api.url, "key": "id", "chunk": 6, "columns": {"n": {"type": "integer"}}}
    return SourceSettings.model_validate({**source, "api": api_said})


def source(api, schema=KNOWN, **said):
    return open_source("rows", settings(api, **said), None, schema)


def pages(api):
    """The numbers of the pages, or the offsets, that were asked for since the last time, in order."""
    name = next(iter(WAYS[api.style]))
    asked = [int(query.get(name, {"page": 1, "offset": 0}[name])) for _, query, _ in api.requests]
    api.requests.clear()
    return asked


class TestNumbered(SourceContract):
    @pytest.fixture(autouse=True)
    def _api(self, api):
        self.api = api

    def open(self):
        found = source(self.api)
        assert isinstance(found, NumberedApi)
        return found


def test_pages_are_in_flight_at_once_and_give_the_same_batches(api):
    whole = list(source(api).batches(None))
    three, late = threading.Barrier(3, timeout=10), threading.Event()

    def meet(exchange):
        if not late.is_set() and int(exchange.query.get(api.style, 0)) > 2:
            three.wait()
            late.set()
        return False

    api.always = meet
    assert_same(list(read(source(api), None, Here(width=3))), whole)
    assert late.is_set()


def once_elsewhere(api, place):
    """Answer the first request for `place` with a redirect: the one that is sent ahead, not the one sent again."""

    def fault(exchange):
        if exchange.query.get(api.style) != place:
            return False
        api.always = None
        return status(301, Location="/rows")(exchange)

    return fault


def test_what_does_not_come_at_once_is_asked_for_again_in_order(api):
    whole = list(source(api).batches(None))
    api.requests.clear()
    api.faults |= {3: status(429, Retry_After="0"), 6: status(503), 8: answer(b"{broken", "text/html")}
    with pytest.raises(SourceError, match="is not JSON"):
        list(read(source(api), None, Here(width=3)))
    api.faults.clear()
    api.requests.clear()
    api.faults |= {3: status(429, Retry_After="0"), 6: status(503)}
    api.always = once_elsewhere(api, {"page": "8", "offset": "14"}[api.style])
    assert_same(list(read(source(api), None, Here(width=3))), whole)
    assert api.always is None


def test_pages_that_are_not_full_cost_no_record(api):
    api.rows = rows(40)
    api.size = 5
    whole = list(source(api).batches(None))
    shorter = {0: 5, 5: 4}

    def uneven(exchange):
        if api.style == "page":
            return False
        start = int(exchange.query.get("offset", "0"))
        exchange.send({"items": api.rows[start : start + shorter.get(start, 3)]})
        return True

    api.always = uneven
    found = list(read(source(api), None, Here(width=3)))
    assert [row for batch in found for row in batch.frame.rows()] == [row for one in whole for row in one.frame.rows()]


def test_the_pages_that_the_schema_was_learnt_from_are_not_asked_for_again(api):
    list(read(source(api, None), None, Here(width=2)))
    asked = pages(api)
    assert sorted(set(asked)) == sorted(asked)


def test_a_rate_holds_for_all_requests_together(api):
    times = []

    def note(exchange):
        times.append(monotonic())
        return False

    api.always = note
    api.rows = rows(16)
    list(read(source(api, rate="20 per second"), None, Here(width=4)))
    assert times[-1] - times[0] >= (len(times) - 1) * 0.05 - 0.04


def test_a_record_pushed_onto_a_page_that_was_read_ahead_comes_with_the_next_sweep(api):
    ahead, pushed = {"page": ("11", "10"), "offset": ("20", "18")}[api.style]
    is_read, new = threading.Event(), {"id": 100, "n": 1000}

    def push(exchange):
        if exchange.query.get(api.style) == pushed and new not in api.rows:
            assert is_read.wait(10)
            api.rows.insert(0, new)
        if exchange.query.get(api.style) != ahead:
            return False
        exchange.send(*api.page(exchange.query))
        is_read.set()
        return True

    api.always = push
    opened = source(api)
    first = list(read(opened, None, Here(width=3)))
    then = list(read(source(api), first[-1].position, Here(width=3)))
    assert [row for batch in then for row in batch.frame["id"]] == [100, 19]


def test_with_since_pages_are_read_in_order(api):
    said = settings(api, since="since").model_copy(update={"cursor": "n"})
    assert not isinstance(open_source("rows", said, None, KNOWN), NumberedApi)


def test_a_credential_is_in_no_part_that_is_shown(api):
    opened = source(api, auth={"query": {"api_key": "s3cr3t-s3cr3t"}}, headers={"X-Token": "t0k3n-t0k3n"})
    shown = repr(list(islice(opened.parts(None), 2)))
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def stores(tmp_path):
    return Store(tmp_path / "here"), Store(tmp_path / "there")


def same(here, there):
    """Two stores hold the same rows, origins, position and refusals: all but run ids and times."""
    for name in ("tables/rows", "quarantine/rows"):
        tables = Table(here, name), Table(there, name)
        one, other = (t.read(bookkeeping=True).drop("_run", "_at", "_batch", strict=False) for t in tables)
        assert one.equals(other), f"{name}: {one} {other}"
    positions = [json.dumps(Table(store, "tables/rows").position()) for store in (here, there)]
    assert positions[0] == positions[1]


def test_ray_gives_the_very_table_that_this_process_gives(api, tmp_path, ray_here):
    here, there = stores(tmp_path)
    said = settings(api, auth={"bearer": "s3cr3t-s3cr3t"})
    done = ingest("rows", said, here, tmp_path, "run")
    api.requests.clear()
    api.faults |= {8: status(429, Retry_After="0"), 11: status(500)}
    assert ingest("rows", said, there, tmp_path, "run", engine=ray_here) == done
    assert (done.read, done.quarantined) == (39, 2)
    same(here, there)


def test_ray_goes_on_behind_a_page_that_failed_for_good(api, tmp_path, ray_here):
    here, there = stores(tmp_path)
    said, bad = settings(api, retry="1 s"), {"page": "18", "offset": "34"}[api.style]
    ingest("rows", said, here, tmp_path, "run")
    api.always = lambda exchange: exchange.query.get(api.style) == bad and status(500)(exchange)
    for engine in (ray_here, None):
        with pytest.raises(RemoteError, match="it answers 500"):
            ingest("rows", said, there, tmp_path, "run", engine=engine)
    assert Table(there, "tables/rows").position()["rows"] > 0
    api.always = None
    ingest("rows", said, there, tmp_path, "run", engine=ray_here)
    same(here, there)
