"""A disk that fills up under load: what was answered is in the log, and what cannot be logged is not answered."""

from __future__ import annotations

from pathlib import Path

import httpx

from millrace.store.objects import Store
from millrace.store.prediction_log import feedback, predictions
from serving import eventually, serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}
#: Files of the server cannot grow beyond this, as on a disk that is full; a new segment finds room again.
LIMIT = 60_000
_FULL = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, resource.RLIM_INFINITY))"


def test_on_a_full_disk_answers_are_held_back_and_none_that_was_given_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish_tiny(store)
    given: list[str] = []
    refused: list[httpx.Response] = []
    with serving(tmp_path, version=1, first=_FULL) as server, httpx.Client(base_url=server.url) as client:

        def ask(rows: int) -> int:
            answer = client.post("/predict", json=[ROW] * rows)
            if answer.status_code == 200:
                given.extend(one["id"] for one in answer.json()["predictions"])
            else:
                refused.append(answer)
            return answer.status_code

        assert ask(1) == 200
        # One record that is larger than the room that is left; smaller ones find theirs meanwhile.
        assert [ask(2000), ask(1), ask(2000), ask(1)] == [503, 200, 503, 200]
        while not refused[2:]:
            ask(100)
        assert {(one.status_code, one.json()["error"]["code"]) for one in refused} == {(503, "log.unavailable")}
        assert {one.headers["retry-after"] for one in refused} == {"1"}
        assert client.get("/healthz").status_code == 200
        assert eventually(lambda: ask(1) == 200)
        assert client.post("/feedback", json={"id": given[0], "outcome": "No"}).status_code == 200
        assert server.stop() == 0
    logged = predictions(store)["prediction_id"].to_list()
    assert len(logged) == len(set(logged))
    assert set(logged) == set(given)
    assert feedback(store)["prediction_id"].to_list() == [given[0]]
