"""Who answers while a challenger or a shadow is tried beside the champion."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.records.traffic import Challenger, Outcome, Shadow, Traffic
from millrace.serve.core import Core
from millrace.serve.lanes import Asker, Lane, Lanes
from millrace.serve.rows import predict
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.prediction_log import predictions, wal
from tiny_package import publish_tiny

ROW = b'{"age": 20, "plan": "gold", "calls": 0}'
ACCURACY = Outcome("accuracy", higher=True)


@pytest.fixture
def core(store: Store) -> Iterator[Core]:
    """Version 1 answers Yes to `ROW`, version 2 No."""
    publish_tiny(store, bias=-5.0)
    core = Core(Model.open(find(store, "churn", 1).path))
    core.write_to(wal(store))
    yield core
    core.close()


def tried(core: Core, store: Store, challenger: float = 0.0, shadow: float = 0.0, sticky: str = "") -> None:
    """Try version 2 beside version 1."""
    other = core.prepared(Model.open(find(store, "churn", 2).path))
    terms = Traffic(
        1,
        "churn",
        1,
        Challenger(2, challenger, ACCURACY, "salt", sticky) if challenger else None,
        Shadow(2, shadow) if shadow else None,
        "2026-05-17T00:00:00+00:00",
        "ada",
        "",
    )
    core.replace(Lanes(core.loaded, other if challenger else None, other if shadow else None, terms))


def version(answer: bytes) -> int:
    return int(json.loads(answer)["version"])


def logged(core: Core, store: Store) -> list[tuple[object, ...]]:
    core.shadow.wait()
    for loaded in core.lanes.all:
        assert loaded.log
        loaded.log.seal()
    frame = predictions(store).sort("version", "prediction_id")
    return frame.select("version", "label", "traffic_role", "traffic_unit").rows()


def test_a_key_meets_the_same_model_every_time_and_the_weight_says_how_many_meet_the_challenger(
    core: Core, store: Store
) -> None:
    tried(core, store, challenger=0.25)
    first = [version(predict(core, ROW, asker=Asker(f"customer {n}"))) for n in range(2000)]
    assert first == [version(predict(core, ROW, asker=Asker(f"customer {n}"))) for n in range(2000)]
    # 2,000 draws with probability 1/4: 500, give or take four standard deviations of 19.4
    assert 422 <= first.count(2) <= 578


def test_nobody_leaves_the_challenger_when_its_weight_grows(core: Core, store: Store) -> None:
    tried(core, store, challenger=0.1)
    small = {n for n in range(500) if core.lanes.lane(Asker(f"{n}")).role == "challenger"}
    tried(core, store, challenger=0.5)
    large = {n for n in range(500) if core.lanes.lane(Asker(f"{n}")).role == "challenger"}
    assert small < large


def test_a_field_of_the_row_is_the_key_where_the_request_names_none(core: Core, store: Store) -> None:
    tried(core, store, challenger=0.5, sticky="calls")
    rows = [json.dumps({"age": 20, "calls": calls}).encode() for calls in range(40)]
    by_field = [version(predict(core, row)) for row in rows]
    assert by_field == [version(predict(core, row)) for row in rows]
    assert by_field == [version(predict(core, ROW, asker=Asker(str(calls)))) for calls in range(40)]
    assert set(by_field) == {1, 2}


@pytest.mark.parametrize(("name", "expected"), [("champion", 1), ("challenger", 2), ("1", 1), ("2", 2)])
def test_a_request_may_ask_for_a_model_by_name_and_does_not_count_for_the_trial(
    core: Core, store: Store, name: str, expected: int
) -> None:
    tried(core, store, challenger=0.5)
    assert version(predict(core, ROW, asker=Asker("ada", name))) == expected
    assert [row[2:] for row in logged(core, store)] == [("asked", None)]


def test_a_model_that_is_not_served_is_refused_with_those_that_are(core: Core, store: Store) -> None:
    with pytest.raises(RequestError, match="`7` was asked for, which is not served here") as caught:
        predict(core, ROW, asker=Asker("", "7"))
    assert list(caught.value.allowed) == ["champion", "1"]
    tried(core, store, challenger=0.5)
    with pytest.raises(RequestError, match="`shadow` was asked for") as caught:
        predict(core, ROW, asker=Asker("", "shadow"))
    assert list(caught.value.allowed) == ["champion", "challenger", "1", "2"]


def test_the_log_tells_who_answered_whom_without_naming_the_asker(core: Core, store: Store) -> None:
    tried(core, store, challenger=0.5)
    keys = [f"{name}@example.org" for name in ("ada", "bob", "eve", "joe", "kim", "leo")] * 2
    for key in keys:
        predict(core, ROW, asker=Asker(key))
    rows = logged(core, store)
    assert {row[:3] for row in rows} == {(1, "Yes", "champion"), (2, "No", "challenger")}
    assert len(rows) == 12
    assert len({row[3] for row in rows}) == 6
    assert not any("@" in str(row[3]) for row in rows)


def test_a_shadow_hears_every_request_and_answers_the_log_alone(core: Core, store: Store) -> None:
    tried(core, store, shadow=1.0)
    answer = json.loads(predict(core, b'{"rows": [' + ROW + b"," + ROW + b"]}"))
    assert [one["label"] for one in answer["predictions"]] == ["Yes", "Yes"]
    assert [row[:3] for row in logged(core, store)] == [(1, "Yes", None)] * 2 + [(2, "No", "shadow")] * 2
    ids = predictions(store).sort("version")["prediction_id"].to_list()
    given = [one["id"] for one in answer["predictions"]]
    assert ids == [*given, *(f"{name}-shadow" for name in given)]
    assert core.counters.by_role == {"": 2, "shadow": 2}


def test_a_shadow_that_fails_is_counted_and_nobody_else_notices(
    core: Core, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(core, store, shadow=1.0)
    assert core.lanes.shadow
    monkeypatch.setattr(core.lanes.shadow.model, "_session", None)
    assert version(predict(core, ROW)) == 1
    core.shadow.wait()
    assert core.counters.shadow_missed == 1


def test_a_shadow_with_a_part_of_the_traffic_hears_a_part_of_it(core: Core, store: Store) -> None:
    tried(core, store, shadow=0.5)
    heard = sum(core.lanes.hears(Lane(core.loaded)) is not None for _ in range(400))
    assert 140 <= heard <= 260  # six standard deviations of 10 about 200
