from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from every_kind_package import publish_every_kind
from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.serve.core import Core
from millrace.serve.lanes import Lanes
from millrace.serve.rows import predict
from millrace.serve.shapes import MalformedError
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.prediction_log import feedback, predictions, wal
from millrace.store.segments import SegmentWriter
from tiny_package import publish_tiny

ROW = b'{"age": 20, "plan": "gold", "calls": 0}'


@pytest.fixture
def core(store: Store) -> Core:
    return Core(Model.open(find(store, "churn", 1).path))


@pytest.fixture
def log(core: Core, store: Store) -> Iterator[SegmentWriter]:
    core.write_to(wal(store))
    assert core.loaded.log
    yield core.loaded.log
    core.close()


@pytest.mark.parametrize("body", [ROW, b"[" + ROW + b"]", b'{"rows": [' + ROW + b"]}"], ids=["one", "list", "rows"])
def test_every_way_to_send_a_row_gives_a_list_of_one(core: Core, body: bytes) -> None:
    answer = msgspec.json.decode(predict(core, body))
    (prediction,) = answer["predictions"]
    assert prediction.pop("id")
    # age 20, gold, no calls: logit 0 - 2.0 + 2 = 0
    assert prediction == {"label": "Yes", "probability": 0.5, "probabilities": {"No": 0.5, "Yes": 0.5}}
    assert (answer["package"], answer["version"]) == ("churn", 1)


def test_no_rows_give_no_predictions(core: Core, log: SegmentWriter, store: Store) -> None:
    assert msgspec.json.decode(predict(core, b'{"rows": []}'))["predictions"] == []
    log.seal()
    assert predictions(store).height == 0


def test_ids_are_unique_and_sort_in_the_order_of_answers(core: Core) -> None:
    ids = [
        prediction["id"]
        for _ in range(50)
        for prediction in msgspec.json.decode(predict(core, b"[" + b",".join([ROW] * 3) + b"]"))["predictions"]
    ]
    assert ids == sorted(ids)
    assert len(set(ids)) == 150


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"text"', b"3"])
def test_bytes_that_are_no_rows_are_malformed(core: Core, body: bytes) -> None:
    with pytest.raises(MalformedError, match="body"):
        predict(core, body)


def test_a_list_of_other_things_than_rows_names_the_first(core: Core) -> None:
    with pytest.raises(RequestError, match="A row is the number 1") as caught:
        predict(core, b"[" + ROW + b",1]")
    assert caught.value.row == 1


def test_unknown_fields_and_categories_are_counted_not_refused(core: Core) -> None:
    predict(core, b'{"age": 20, "plan": "platinum", "colour": "red", "size": 3}')
    assert (core.counters.extra_fields, core.counters.unseen_categories, core.counters.rows) == (2, 1, 1)


def test_a_missing_category_is_not_an_unseen_one(core: Core) -> None:
    predict(core, b'{"age": 20}')
    assert core.counters.unseen_categories == 0


def test_what_was_answered_is_what_the_log_holds(core: Core, log: SegmentWriter, store: Store) -> None:
    answer = msgspec.json.decode(predict(core, b'[{"age": 20, "plan": "gold", "calls": 3}, {"age": 30}]'))
    log.seal()
    frame = predictions(store)
    assert frame["prediction_id"].to_list() == [prediction["id"] for prediction in answer["predictions"]]
    assert frame["label"].to_list() == ["Yes", "No"]
    assert frame["probabilities"].to_list()[0] == list(answer["predictions"][0]["probabilities"].values())
    assert frame.select("age", "plan", "calls").rows() == [(20.0, "gold", 3.0), (30.0, None, None)]


def test_a_new_model_answers_from_the_next_request_on_and_the_log_tells_them_apart(
    core: Core, log: SegmentWriter, store: Store
) -> None:
    predict(core, ROW)
    for old in core.replace(Lanes(core.prepared(Model.open(publish_tiny(store, bias=-5.0).path)))):
        old.close()
    answer = msgspec.json.decode(predict(core, ROW))
    assert (answer["version"], answer["predictions"][0]["label"]) == (2, "No")
    assert core.loaded.log
    core.loaded.log.seal()
    assert predictions(store).select("version", "label").rows() == [(1, "Yes"), (2, "No")]


@pytest.mark.parametrize(
    ("body", "count"), [(b'{"id": "a", "outcome": "Yes"}', 1), (b'[{"id": "a", "outcome": "Yes"}]', 1), (b"[]", 0)]
)
def test_outcomes_are_accepted_one_or_many(
    core: Core, log: SegmentWriter, store: Store, body: bytes, count: int
) -> None:
    assert core.feedback(body) == count
    log.seal()
    assert feedback(store).select("prediction_id", "outcome").rows() == [("a", "Yes")] * count


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (b'{"id": "b", "outcome": "Maybe"}', "feedback.outcome"),
        (b'{"id": "b", "outcome": null}', "feedback.outcome"),
        (b'{"outcome": "Yes"}', "feedback.shape"),
        (b"7", "feedback.shape"),
    ],
)
def test_one_bad_outcome_and_none_is_taken(
    core: Core, log: SegmentWriter, store: Store, second: bytes, code: str
) -> None:
    with pytest.raises(RequestError, match=r"It is not an id|not one the model knows") as caught:
        core.feedback(b'[{"id": "a", "outcome": "Yes"}, ' + second + b"]")
    assert (caught.value.code, caught.value.row) == (code, 1)
    log.seal()
    assert feedback(store).height == 0


@pytest.mark.parametrize("outcome", [b"1" + b"0" * 400, b'"1e999"', b'"much"', b"[1]"])
def test_a_value_is_told_by_a_finite_number(tmp_path: Path, outcome: bytes) -> None:
    store = Store(tmp_path / "values")
    publish_every_kind(store)
    core = Core(Model.open(find(store, "churn", 1).path))
    with pytest.raises(RequestError, match="not one the model knows"):
        core.feedback(b'{"id": "a", "outcome": ' + outcome + b"}")


def test_an_answer_that_cannot_be_logged_is_not_given(core: Core, store: Store) -> None:
    core.write_to(wal(store))
    log = core.loaded.log
    assert log
    log.close()
    log._folder.rename(log._folder.with_name("gone"))
    with pytest.raises(OSError, match="No such file"):
        predict(core, ROW)
    assert core.counters.rows == 0


def test_a_part_of_the_answers_is_logged_where_a_part_is_asked_for(core: Core, store: Store) -> None:
    core.write_to(wal(store), share=0.25)
    given = [msgspec.json.decode(predict(core, ROW))["predictions"][0]["id"] for _ in range(400)]
    core.close()
    kept = predictions(store)["prediction_id"].to_list()
    assert set(kept) < set(given)
    assert 60 <= len(kept) <= 140  # five standard deviations of 8.7 about 100
