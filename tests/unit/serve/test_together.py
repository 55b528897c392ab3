"""Requests that share a run of the graph get what they would have got alone, and wait no longer than was set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.records.fit import Answer
from millrace.serve.core import Core
from millrace.serve.rows import predict, predict_together
from millrace.serve.together import Together
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.prediction_log import predictions, wal
from serving import serving
from tiny_package import publish_tiny


def sizes(together: list[list[bytes]], most: int, seconds: float, count: int) -> list[bytes]:
    """Ask `count` bodies at once; what was run together is left in `together`."""

    def answer_all(bodies: Sequence[bytes]) -> list[bytes | Exception]:
        together.append(list(bodies))
        return [body.upper() if body != b"bad" else ValueError("bad") for body in bodies]

    async def ask() -> list[bytes]:
        gathering = Together(answer_all, most, seconds)
        return list(await asyncio.gather(*(gathering.answer(b"%d" % number) for number in range(count))))

    return asyncio.run(ask())


def test_no_more_than_a_set_number_share_a_run_and_the_last_ones_do_not_wait_for_ever() -> None:
    runs: list[list[bytes]] = []
    assert sizes(runs, 3, 0.01, 7) == [b"%d" % number for number in range(7)]
    assert [len(run) for run in runs] == [3, 3, 1]


def test_each_is_told_of_its_own_failure() -> None:
    async def ask() -> list[object]:
        gathering = Together(lambda bodies: [ValueError("bad") if body == b"bad" else body for body in bodies], 2, 9)
        return list(await asyncio.gather(gathering.answer(b"good"), gathering.answer(b"bad"), return_exceptions=True))

    good, bad = asyncio.run(ask())
    assert good == b"good"
    assert isinstance(bad, ValueError)


@pytest.fixture
def core(store: Store) -> Core:
    return Core(Model.open(find(store, "churn", 1).path))


def test_the_answers_are_those_that_each_would_have_had_alone(
    core: Core, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.write_to(wal(store))
    runs: list[int] = []
    answer = core.loaded.model.answer

    def counted(numbers: np.ndarray, texts: np.ndarray, **more: bool) -> Answer:
        runs.append(len(numbers))
        return answer(numbers, texts, **more)

    monkeypatch.setattr(type(core.loaded.model), "answer", lambda _, *given, **more: counted(*given, **more))
    bodies = [
        b'{"age": 20, "plan": "gold", "calls": 0}',
        b'[{"age": 20, "calls": 4}, {"age": 30}]',
        b'{"age": "old"}',
        b'{"age": 20, "unknown": 1}',
        b"{",
        b'{"age": 50}',
    ]
    answers = predict_together(core, bodies)
    assert runs == [4, 1]  # four usual rows in one run, the one with a field too many by itself
    assert [type(one) if isinstance(one, Exception) else len(json.loads(one)["predictions"]) for one in answers] == [
        *(1, 2, RequestError, 1, type(answers[4]), 1)
    ]
    for body, one in zip(bodies, answers, strict=True):
        if isinstance(one, bytes):
            together, alone = json.loads(one), json.loads(predict(core, body))
            for row in (*together["predictions"], *alone["predictions"]):
                assert row.pop("id")
            assert together == alone
    core.close()
    assert predictions(store).height == 10


def test_a_real_server_lets_requests_share_a_run(tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path))
    settings = '{"port": 0, "batch": {"requests": 8, "wait_ms": 20}}'
    with serving(tmp_path, version=1, settings=settings) as server, httpx.Client(base_url=server.url) as client:
        with ThreadPoolExecutor(8) as askers:
            ages = list(range(18, 58))
            answers = list(askers.map(lambda age: client.post("/predict", json={"age": age, "plan": "gold"}), ages))
        assert {answer.status_code for answer in answers} == {200}
        yes = [answer.json()["predictions"][0]["probabilities"]["Yes"] for answer in answers]
        assert yes == pytest.approx([1 / (1 + np.exp(age / 10 - 2)) for age in ages], abs=1e-6)
        assert client.post("/predict", json={"age": "old"}).status_code == 422
        assert client.post("/predict", content=b"{").status_code == 400
        assert server.stop() == 0
    assert predictions(Store(tmp_path)).height == len(ages)
