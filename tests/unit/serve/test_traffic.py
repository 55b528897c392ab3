"""Real servers that try a challenger and a shadow, from the first request to the verdict."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from millrace.records.traffic import Challenger, Outcome, Shadow
from millrace.release.stage import promote
from millrace.release.traffic import challenge, listen, stop
from millrace.release.trial import standing
from millrace.store.objects import Store
from millrace.store.prediction_log import predictions
from serving import eventually, serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}
ACCURACY = Outcome("accuracy", higher=True)
ROWS = 400


@pytest.fixture
def two(tmp_path: Path) -> Store:
    """Version 1 is champion and says Yes to `ROW`; version 2 says No."""
    store = Store(tmp_path / "store")
    first = publish_tiny(store)
    publish_tiny(store, bias=-5.0)
    promote(store, first, by="ada", reason="run")
    return store


def test_a_challenger_is_put_in_place_judged_by_outcomes_and_taken_away(two: Store) -> None:
    with serving(Path(two.url)) as server, httpx.Client(base_url=server.url) as client:
        assert {client.post("/predict", json=ROW).json()["version"] for _ in range(20)} == {1}
        challenge(two, Challenger(2, 0.5, ACCURACY, "", minimum=100), by="ada", reason="")
        assert eventually(lambda: client.post("/predict", json=ROW, headers={"Millrace-Model": "2"}).status_code == 200)
        answered = {}
        for number in range(ROWS):
            answer = client.post("/predict", json=ROW, headers={"Millrace-Key": f"customer {number}"}).json()
            answered[answer["predictions"][0]["id"]] = answer["version"]
        again = client.post("/predict", json=ROW, headers={"Millrace-Key": "customer 0"}).json()["version"]
        assert again == next(iter(answered.values()))
        # The truth is No for three in four: both see many of either kind, however the askers fall.
        outcomes = [{"id": name, "outcome": "Yes" if n % 4 == 0 else "No"} for n, name in enumerate(answered)]
        assert client.post("/feedback", json=outcomes).json() == {"accepted": ROWS}
        (trial,) = standing(two).trials
        assert trial.verdict == "better"
        assert (trial.champion.askers, trial.other.askers) == tuple(
            sum(version == which for version in answered.values()) for which in (1, 2)
        )
        refused = client.post("/predict", json=ROW, headers={"Millrace-Model": "7"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "request.model")
        assert 'millrace_role_rows_total{role="challenger"}' in client.get("/metrics").text
        stop(two, "all", by="ada", reason="")
        assert eventually(lambda: client.post("/predict", json=ROW, headers={"Millrace-Model": "2"}).status_code == 422)
        assert {client.post("/predict", json=ROW).json()["version"] for _ in range(20)} == {1}


def test_a_shadow_hears_and_nobody_sees_it(two: Store) -> None:
    listen(two, Shadow(2), by="ada", reason="")
    with serving(Path(two.url)) as server, httpx.Client(base_url=server.url) as client:
        answers = [client.post("/predict", json=ROW).json() for _ in range(10)]
        assert {answer["version"] for answer in answers} == {1}
        assert server.stop() == 0
    logged = predictions(two)
    assert sorted(logged["version"].to_list()) == [1] * 10 + [2] * 10


def test_no_request_fails_while_trials_and_champions_change_under_load(two: Store) -> None:
    failed: list[object] = []
    answered: list[str] = []
    done = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not done.is_set():
                answer = client.post("/predict", json=ROW)
                if answer.status_code == 200:
                    answered.append(answer.json()["predictions"][0]["id"])
                else:
                    failed.append(answer.text)

    with serving(Path(two.url), settings='{"port": 0, "workers": 2}') as server:
        askers = [threading.Thread(target=ask, args=(server.url,)) for _ in range(3)]
        for asker in askers:
            asker.start()
        for bias in (1.0, 2.0):
            challenge(two, Challenger(2, 0.5, ACCURACY, ""), by="ada", reason="")
            listen(two, Shadow(2), by="ada", reason="")
            assert eventually(lambda: "shadow" in httpx.get(f"{server.url}/metrics").text)
            new = publish_tiny(two, bias=bias)
            promote(two, new, by="ada", reason="run")
            assert eventually(
                lambda version=new.version: f'version="{version}"' in httpx.get(f"{server.url}/metrics").text
            )
        done.set()
        for asker in askers:
            asker.join()
        assert server.stop() == 0
    assert failed == []
    assert set(answered) <= set(predictions(two)["prediction_id"])
