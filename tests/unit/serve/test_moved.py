"""What moved an answer is how much it differs from the answer without each field."""

from __future__ import annotations

import json

import pytest

from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.serve.core import Core
from millrace.serve.moved import MOST_ROWS
from millrace.serve.rows import predict
from millrace.store.objects import Store
from millrace.store.packages import find


@pytest.fixture
def core(store: Store) -> Core:
    return Core(Model.open(find(store, "churn", 1).path))


def explained(core: Core, body: str) -> list[dict[str, float]]:
    return [one["moved_by"] for one in json.loads(predict(core, body.encode(), explain=True))["predictions"]]


def test_each_field_has_the_part_worked_out_by_hand(core: Core) -> None:
    # sigmoid(3 + 2 - 2) = 0.9526; without calls 0.5, without the plan 0.7311, age (needed) at its middle 54: 0.4013
    (parts,) = explained(core, '{"age": 20, "plan": "gold", "calls": 3}')
    assert list(parts) == ["age", "calls", "plan"]
    assert parts == pytest.approx({"calls": 0.4526, "plan": 0.2215, "age": 0.9526 - 0.4013}, abs=1e-4)


def test_parts_are_those_of_the_label_given_and_fields_without_any_are_left_out(core: Core) -> None:
    # sigmoid(-3) says No with 0.9526; with the age at 54 it would be sigmoid(-5.4): No with 0.9955
    first, second = explained(core, '[{"age": 30, "plan": "basic"}, {"age": 20, "plan": "gold", "calls": 3}]')
    assert first == pytest.approx({"age": 0.9526 - 0.9955}, abs=1e-4)
    assert list(second) == ["age", "calls", "plan"]


def test_an_answer_is_explained_only_where_it_was_asked_for(core: Core) -> None:
    assert "moved_by" not in predict(core, b'{"age": 20}').decode()


def test_many_rows_are_not_explained_at_once(core: Core) -> None:
    rows = json.dumps([{"age": 20}] * (MOST_ROWS + 1))
    with pytest.raises(RequestError, match="101 rows were to be explained"):
        explained(core, rows)
