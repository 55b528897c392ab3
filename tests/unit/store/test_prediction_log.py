from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable

from millrace.records.signature import Field, Signature
from millrace.store import delta, prediction_log
from millrace.store.log_entries import Opening, Outcome, Predicted
from millrace.store.objects import Store
from millrace.store.prediction_log import feedback, predictions, settle, wal
from millrace.store.segments import SegmentWriter

SIGNATURE = Signature(
    "binary",
    "churn",
    (Field("age", "number"), Field("plan", "category"), Field("since", "date"), Field("active", "boolean")),
    ("No", "Yes"),
    "Yes",
)
NOON = 1_779_019_200_000_000  # 2026-05-17T12:00:00Z in microseconds


def answered(*ids: str, at: int = NOON) -> bytes:
    numbers = np.tile(np.array([41.5, 30.0, 1.0]), (len(ids), 1))
    scores = np.tile(np.array([0.25, 0.75], dtype=np.float32), (len(ids), 1))
    return msgspec.msgpack.encode(
        Predicted(at, list(ids), numbers.tobytes(), ["gold"] * len(ids), [1] * len(ids), scores.tobytes())
    )


def write(store: Store, *payloads: bytes, signature: Signature = SIGNATURE, version: int = 3) -> None:
    opening = msgspec.msgpack.encode(Opening("churn", version, signature))
    with SegmentWriter(wal(store), lambda: opening) as writer:
        for payload in payloads:
            writer.append(payload)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_prediction_becomes_a_row_with_its_inputs(store: Store) -> None:
    write(store, answered("a"))
    frame = predictions(store)
    assert frame.row(0, named=True) == {
        "prediction_id": "a",
        "at": datetime(2026, 5, 17, 12, tzinfo=UTC),
        "package": "churn",
        "version": 3,
        "label": "Yes",
        "probabilities": [0.25, 0.75],
        "age": 41.5,
        "plan": "gold",
        "since": datetime(1970, 1, 31, tzinfo=UTC).date(),
        "active": True,
    }


def test_missing_inputs_become_nulls(store: Store) -> None:
    numbers = np.full((1, 3), np.nan).tobytes()
    scores = np.array([0.5, 0.5], dtype=np.float32).tobytes()
    write(store, msgspec.msgpack.encode(Predicted(NOON, ["a"], numbers, [""], [0], scores)))
    row = predictions(store).row(0, named=True)
    assert [row[name] for name in ("age", "plan", "since", "active")] == [None] * 4


def test_settled_segments_are_gone_and_settling_again_adds_nothing(store: Store) -> None:
    write(store, answered("a", "b"), answered("c"))
    assert settle(store) == 3
    assert settle(store) == 0
    assert predictions(store)["prediction_id"].to_list() == ["a", "b", "c"]
    assert [path.name for path in wal(store).iterdir()] == [".settling"]


def test_a_crash_between_commit_and_deletion_duplicates_nothing(store: Store, tmp_path: Path) -> None:
    write(store, answered("a"), msgspec.msgpack.encode(Outcome(NOON, "a", "No")))
    shutil.copytree(wal(store), tmp_path / "copy")
    assert settle(store) == 2
    shutil.copytree(tmp_path / "copy", wal(store), dirs_exist_ok=True)
    assert settle(store) == 0
    assert predictions(store).height == 1
    assert feedback(store).height == 1


def test_a_crash_between_the_two_tables_loses_and_duplicates_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, answered("a"), msgspec.msgpack.encode(Outcome(NOON, "a", "No")))
    commit = prediction_log._commit

    def dying(store: Store, key: str, parts: list[tuple[str, int, pl.DataFrame]]) -> int:
        if key == prediction_log.FEEDBACK:
            raise InterruptedError("killed here")
        return commit(store, key, parts)

    monkeypatch.setattr(prediction_log, "_commit", dying)
    with pytest.raises(InterruptedError, match="killed here"):
        settle(store)
    monkeypatch.undo()
    assert settle(store) == 1
    assert predictions(store).height == 1
    assert feedback(store)["outcome"].to_list() == ["No"]


def test_many_settlements_are_joined_into_few_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "SMALL_FILES", 4)
    for name in "abcdefg":
        write(store, answered(name))
        settle(store)
    assert len(DeltaTable(store.at(prediction_log.PREDICTIONS)).file_uris()) < 4 + 1
    assert predictions(store)["prediction_id"].to_list() == list("abcdefg")


def test_predictions_since_a_moment(store: Store) -> None:
    write(store, answered("a"), answered("b", at=NOON + 1))
    since = datetime(2026, 5, 17, 12, 0, 0, 1, tzinfo=UTC)
    assert predictions(store, since)["prediction_id"].to_list() == ["b"]


def test_a_package_with_other_inputs_adds_columns(store: Store) -> None:
    write(store, answered("a"))
    settle(store)
    changed = (*SIGNATURE.inputs[:2], Field("opened", "datetime"), Field("active", "number"))
    write(store, answered("b"), signature=replace(SIGNATURE, inputs=changed), version=4)
    frame = predictions(store)
    assert frame["version"].to_list() == [3, 4]
    assert frame["opened"].to_list() == [None, datetime(1970, 1, 1, 0, 0, 30)]
    assert frame["since"].null_count() == 1
    assert frame["active"].to_list() == [True, None]
    assert frame["active (Float64)"].to_list() == [None, 1.0]


def test_an_input_named_like_a_column_of_the_log_keeps_its_values(store: Store) -> None:
    inputs = (Field("version", "number"), Field("label", "category"), *SIGNATURE.inputs[2:])
    write(store, answered("a"), signature=replace(SIGNATURE, inputs=inputs))
    row = predictions(store).row(0, named=True)
    assert (row["version"], row["version (number)"], row["label (category)"]) == (3, 41.5, "gold")


def test_regression_rows_carry_a_value(store: Store) -> None:
    signature = Signature("regression", "price", (Field("size", "number"),))
    scores = np.array([1.5, 2.5], dtype=np.float32).tobytes()
    record = Predicted(NOON, ["a", "b"], np.zeros((2, 1)).tobytes(), [], [], scores)
    write(store, msgspec.msgpack.encode(record), signature=signature)
    assert predictions(store)["value"].to_list() == [1.5, 2.5]


def test_an_empty_log_has_no_rows(store: Store) -> None:
    assert predictions(store).height == 0
    assert feedback(store).columns == ["prediction_id", "outcome", "at"]
