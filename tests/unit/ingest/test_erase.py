"""An erased person is gone from every table and its history, and does not come back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import obstore
import polars as pl
import pytest
from obstore.store import from_url

from millrace.errors import DataError, ProjectFileError, UsageError
from millrace.ingest.erase import erase, named
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.stage import ingest_source
from millrace.store import prediction_log
from millrace.store.datasets import Recipe, write
from millrace.store.objects import Store
from millrace.store.prediction_log import FEEDBACK, PREDICTIONS
from millrace.store.tables import Table
from unit.ingest.intake import Listed, settings

KEY = "k" * 32
ADA, BOB = "ada-4711", "bob-0815"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)


def frame(*ids: str, age: int = 40) -> pl.DataFrame:
    return pl.DataFrame({"id": list(ids), "age": [age] * len(ids)})


def take(store: Store, *frames: pl.DataFrame, refused: tuple[str, ...] = (), **sections):
    return ingest_source(Listed(list(frames), refused), "people", settings(**sections), store, "r1")


def everything(folder: Path) -> str:
    texts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            texts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            texts.append(pl.read_parquet(path).write_ndjson())
    return "\n".join(texts)


def test_with_now_not_a_byte_of_the_person_is_left_and_the_others_are(store: Store, tmp_path: Path) -> None:
    checks = {"checks": {"young": "age < 90"}}
    take(store, frame(ADA, BOB), frame(BOB), frame(ADA, "eve", age=95), refused=(f"{ADA},surplus", "bob,x"), **checks)
    assert ADA in everything(tmp_path)
    done = erase("people", store, {"id": ADA}, "ada@mill", now=True)
    assert done.removed == {"tables/people": 1, "quarantine/people": 2}
    assert done.until == ""
    assert ADA not in everything(tmp_path)
    assert Table(store, "tables/people").read()["id"].to_list() == [BOB, BOB]
    assert sorted(landed_rows(store, "people").collect()["_row"]) == [5, 91]


def test_in_an_object_store_too_not_a_byte_is_left(bucket: str) -> None:
    def every_byte() -> str:
        kept = from_url(bucket)
        paths = [entry["path"] for page in obstore.list(kept) for entry in page]
        contents = [bytes(obstore.get(kept, path).bytes()) for path in paths]
        tables = [pl.read_parquet(one).write_ndjson() for one in contents if one.startswith(b"PAR1")]
        return "\n".join([*(one.decode("latin-1") for one in contents), *tables])

    store = Store(f"{bucket}/lake")
    take(store, frame(ADA, BOB), frame(ADA, "eve", age=95), refused=(f"{ADA},surplus",), checks={"young": "age < 90"})
    assert ADA in every_byte()
    assert erase("people", store, {"id": ADA}, "ada@mill", now=True).removed == {
        "tables/people": 1,
        "quarantine/people": 2,
    }
    assert ADA not in every_byte()
    assert Table(store, "tables/people").read()["id"].to_list() == [BOB]


def test_without_now_the_old_versions_stay_a_week_and_go_with_the_next_ingest(store: Store, tmp_path: Path) -> None:
    take(store, frame(ADA, BOB))
    done = erase("people", store, {"id": ADA}, "ada@mill")
    assert done.until > "2026"
    assert Table(store, "tables/people").read()["id"].to_list() == [BOB]
    assert Table(store, "tables/people").read(1)["id"].to_list() == [ADA, BOB]


def test_the_position_stays_and_the_same_rows_read_anew_stay_out(store: Store) -> None:
    take(store, frame(ADA, BOB))
    erase("people", store, {"id": ADA}, "ada@mill", now=True)
    again = take(store, frame(ADA, BOB), frame(ADA, "eve", age=95), checks={"young": "age < 90"})
    assert (again.read, again.kept, again.quarantined, again.erased) == (2, 0, 1, 1)
    assert Table(store, "tables/people").position() == {"frames": 2}
    assert Table(store, "tables/people").read()["id"].to_list() == [BOB]


@pytest.mark.parametrize("word", ["hash", "encrypt"])
def test_a_person_is_found_by_the_plain_value_of_a_protected_column(word: str, store: Store) -> None:
    sections = {"pii": {"id": word}, "checks": {"young": "age < 90"}, "clean": [{"case": {"id": "lower"}}]}
    take(store, frame(ADA.upper(), BOB), frame(ADA, age=95), refused=(f"{ADA};x",), **sections)
    done = erase("people", store, {"id": ADA}, "ada@mill")
    assert done.removed == {"tables/people": 1, "quarantine/people": 2 if word == "encrypt" else 1}
    again = take(store, frame(ADA, BOB), frame(ADA), frame(ADA.upper(), "eve"), **sections)
    assert (again.kept, again.erased) == (1, 1)


def test_a_numeric_key_and_several_columns_at_once(store: Store) -> None:
    rows = pl.DataFrame({"id": [1, 1, 2], "born": [1815, 1900, 1815]})
    take(store, rows)
    assert erase("people", store, {"id": "1", "born": "1815"}, "x").removed["tables/people"] == 1
    assert Table(store, "tables/people").read().rows() == [(1, 1900), (2, 1815)]


def test_dry_run_counts_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    take(store, frame(ADA, BOB))
    before = everything(tmp_path)
    assert erase("people", store, {"id": ADA}, "x", dry_run=True).removed["tables/people"] == 1
    assert everything(tmp_path) == before


def test_datasets_with_the_columns_are_searched_and_the_others_named(store: Store, tmp_path: Path) -> None:
    take(store, frame(ADA, BOB))
    write(store, "with", Recipe("a", {"people": 0}), frame(ADA, BOB))
    write(store, "without", Recipe("a", {"people": 0}), frame(ADA, BOB).select("age"))
    done = erase("people", store, {"id": ADA}, "x", now=True)
    assert done.removed["datasets/with"] == 1
    assert done.unsearched == ("datasets/without",)
    assert ADA not in everything(tmp_path)


def test_predictions_and_their_feedback_go_too(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    take(store, frame(ADA, BOB))
    log = pl.DataFrame({"prediction_id": ["p1", "p2"], "id": [ADA, BOB], "label": ["a", "b"]})
    outcomes = pl.DataFrame({"prediction_id": ["p1", "p2"], "outcome": ["a", "b"], "at": [1, 2]})
    log.write_delta(store.at(PREDICTIONS))
    outcomes.with_columns(pl.col("at").cast(pl.Datetime("us", "UTC"))).write_delta(store.at(FEEDBACK))
    done = erase("people", store, {"id": ADA}, "x", now=True)
    assert (done.removed[PREDICTIONS], done.removed[FEEDBACK]) == (1, 1)
    assert prediction_log.feedback(store)["prediction_id"].to_list() == ["p2"]
    assert ADA not in everything(tmp_path)


def test_a_file_that_no_version_names_goes_when_it_is_old_and_a_new_one_stays(store: Store, tmp_path: Path) -> None:
    take(store, frame(ADA, BOB))
    old, new = (tmp_path / "tables" / "people" / f"part-{name}.parquet" for name in ("old", "new"))
    for path in (old, new):
        frame(ADA).write_parquet(path)
    os.utime(old, (time.time() - 30 * 86400,) * 2)
    erase("people", store, {"id": ADA}, "x", now=True)
    assert (old.exists(), new.exists()) == (False, True)


def test_without_the_key_nothing_is_erased_and_nothing_ingested(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take(store, frame(ADA, BOB))
    erase("people", store, {"id": ADA}, "x")
    monkeypatch.delenv("MILLRACE_PII_KEY")
    with pytest.raises(ProjectFileError, match="is not set"):
        erase("people", store, {"id": BOB}, "x")
    with pytest.raises(ProjectFileError, match="is not set"):
        take(store, frame(ADA), frame(ADA))
    monkeypatch.setenv("MILLRACE_PII_KEY", "o" * 32)
    with pytest.raises(DataError, match="erased under the key"):
        take(store, frame(ADA), frame(ADA))


def test_what_cannot_be_found_is_an_error(store: Store) -> None:
    take(store, frame(ADA), pii={"id": "mask"})
    with pytest.raises(UsageError, match="Nobody can be found by `id`"):
        erase("people", store, {"id": ADA}, "x")
    with pytest.raises(UsageError, match="`agee` is not a column"):
        erase("people", store, {"agee": "1"}, "x")
    with pytest.raises(UsageError, match="No rows of `nobody`"):
        erase("nobody", store, {"id": ADA}, "x")


def test_who_is_meant() -> None:
    assert named("people", "id", ["1"], {"town": "x"}) == {"id": "1", "town": "x"}
    assert named("people", ("a", "b"), ["1", "2"], {}) == {"a": "1", "b": "2"}
    with pytest.raises(UsageError, match="1 values were given for the key, and `people` has no `key`"):
        named("people", None, ["1"], {})
    with pytest.raises(UsageError, match="Nobody was named"):
        named("people", "id", [], {})
