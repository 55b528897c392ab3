"""How the wheel stands is answered over HTTP: to this machine alone, and where keys are needed to those for `admin`."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from millrace.config.schema import ServeSettings
from millrace.errors import UsageError
from millrace.records.turning import JobState, WheelStatus
from millrace.store.keys import create, revoke
from millrace.store.objects import Store
from millrace.wheel import page
from millrace.wheel.board import Board
from millrace.wheel.page import Gate, answering

JOBS = (
    JobState("ingest", "5 s", last="2026-05-03T14:00:00+00:00", said="meters: 5 rows kept, 0 refused"),
    JobState("monitor", "15 min", "failing", failures=2, error="No answer.", due="2026-05-03T14:05:00+00:00"),
)
STATUS = WheelStatus("mini", True, "desk", 7, "2026-05-03T13:00:00+00:00", "2026-05-03T14:00:00+00:00", JOBS)


@contextmanager
def served(store: Store, keys: str = "none") -> Iterator[str]:
    gate = Gate(store, ServeSettings.model_validate({"keys": keys}), "mini")
    with answering(0, lambda: STATUS, gate) as url:
        yield url


def ask(
    url: str, path: str = "/status", *, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_it_is_told_as_text_and_as_the_record(tmp_path: Path) -> None:
    with served(Store(str(tmp_path))) as url:
        status, headers, body = ask(url)
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
            200,
            "text/plain; charset=utf-8",
            "no-store",
        )
        assert body == (
            "mini turns: process 7 of desk, since 2026-05-03 13:00:00\n"
            "champion: none yet\n"
            "ingest (5 s): waiting, last 2026-05-03 14:00:00: meters: 5 rows kept, 0 refused\n"
            "monitor (15 min): failing 2 times, next 2026-05-03 14:05:00: No answer.\n"
        )
        assert msgspec.json.decode(ask(url, "/status.json?x=1")[2], type=WheelStatus) == STATUS
        assert json.loads(ask(url, "/", Accept="application/json")[2])["project"] == "mini"
        assert ask(url, method="HEAD")[::2] == (200, "")
        assert ask(url, "/jobs")[0] == 404
        assert ask(url, method="POST")[0] == 501


def test_another_host_gets_nothing(tmp_path: Path) -> None:
    with served(Store(str(tmp_path))) as url:
        status, _, body = ask(url, Host="evil.example:8090")
        assert (status, json.loads(body)["error"]["code"]) == (421, "up.host")
        assert ask(url, Host="localhost")[0] == 200


def test_where_keys_are_required_one_for_admin_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_REFRESH_SECONDS", 0.0)
    store = Store(str(tmp_path))
    with served(store, "required") as url:
        admin, metrics = (create(store, verb, [verb], "ada") for verb in ("admin", "metrics"))
        status, headers, _ = ask(url)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="millrace"')
        assert ask(url, Authorization=f"Bearer {metrics.secret}")[0] == 403
        assert ask(url, Authorization=f"Bearer {admin.secret}")[0] == 200
        revoke(store, admin.key.id, "ada")
        assert ask(url, Authorization=f"Bearer {admin.secret}")[0] == 401


def test_a_port_that_is_taken_starts_nothing(tmp_path: Path) -> None:
    with served(Store(str(tmp_path))) as url:
        taken, gate = int(urlsplit(url).port or 0), Gate(Store(str(tmp_path)), ServeSettings(), "mini")
        with pytest.raises(UsageError, match="is taken"), answering(taken, lambda: STATUS, gate):
            pass


def test_the_board_says_where_it_is_told_while_it_turns(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with Board(store, STATUS, lambda: "mini 1") as board:
        board.page("http://127.0.0.1:8090/status")
        assert board.current().champion == "mini 1"
        assert '"status_url": "http://127.0.0.1:8090/status"' in (store.read("up/status.json") or b"").decode()
    assert '"status_url": ""' in (store.read("up/status.json") or b"").decode()
