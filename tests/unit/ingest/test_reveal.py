"""What was encrypted can be had back by who has the key, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from millrace.errors import DataError, ProjectFileError, UsageError
from millrace.ingest.reveal import reveal
from millrace.ingest.stage import ingest_source
from millrace.store.objects import Store
from unit.ingest.intake import Listed, settings

PII = {"email": "encrypt", "name": "hash"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 32)


def take(store: Store, pii: dict[str, str]) -> None:
    frame = pl.DataFrame({"email": ["ada@x.org", "bob@x.org"], "name": ["Ada", "Bob"], "age": [36, -1]})
    rules = settings(pii=pii, checks={"positive": "age > 0"})
    ingest_source(Listed([frame], ["eve@x.org;torn"]), "people", rules, store, "r1")


def test_the_rows_of_the_table(store: Store, tmp_path: Path) -> None:
    take(store, PII)
    done = reveal("people", store, tmp_path / "plain.parquet")
    rows = pl.read_parquet(tmp_path / "plain.parquet")
    assert (done.rows, rows["email"].to_list(), rows["age"].to_list()) == (1, ["ada@x.org"], [36])
    assert rows["name"][0].startswith("hash:")


def test_the_rows_and_the_torn_lines_of_the_quarantine(store: Store, tmp_path: Path) -> None:
    take(store, PII)
    reveal("people", store, tmp_path / "plain.csv", refused=True)
    text = (tmp_path / "plain.csv").read_text()
    assert "bob@x.org" in text
    assert "eve@x.org;torn" in text
    assert "tenure: a quote is not closed" in text


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_other_formats(ending: str, store: Store, tmp_path: Path) -> None:
    take(store, PII)
    reveal("people", store, tmp_path / f"plain.{ending}")
    assert "ada@x.org" in (tmp_path / f"plain.{ending}").read_text()


def test_another_key_or_none_reveals_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(store, PII)
    monkeypatch.setenv("MILLRACE_PII_KEY", "o" * 32)
    with pytest.raises(DataError, match=r"encrypted with the key .*, which is not in `MILLRACE_PII_KEY`"):
        reveal("people", store, tmp_path / "plain.csv")
    monkeypatch.delenv("MILLRACE_PII_KEY")
    with pytest.raises(ProjectFileError, match="is not set"):
        reveal("people", store, tmp_path / "plain.csv")
    assert not (tmp_path / "plain.csv").exists()


def test_what_cannot_be_revealed_is_an_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No rows of `people`"):
        reveal("people", store, tmp_path / "plain.csv")
    take(store, {"email": "hash"})
    with pytest.raises(UsageError, match=r"Nothing of `people` is encrypted \(email: hash\)"):
        reveal("people", store, tmp_path / "plain.csv")


def test_a_file_that_cannot_be_written_is_an_error(store: Store, tmp_path: Path) -> None:
    take(store, PII)
    with pytest.raises(UsageError, match=r"cannot be written as .*plain\.xls"):
        reveal("people", store, tmp_path / "plain.xls")
