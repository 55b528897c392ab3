"""Personal values are protected before anything is written, and rows with them can still be replayed."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from millrace.errors import DataError, MissingExtraError, ProjectFileError
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest, ingest_source
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import Listed, settings

KEY, OTHER = "k" * 32, "o" * 32


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PII_KEY", KEY)


def people(**columns: list) -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2], "email": ["Ada@x.org", "bob@x.org"], **columns})


def take(store: Store, frame: pl.DataFrame, run: str = "r1", refused: tuple[str, ...] = (), **sections) -> None:
    ingest_source(Listed([frame], refused), "people", settings(**sections), store, run)


def rows(store: Store) -> pl.DataFrame:
    return Table(store, "tables/people").read()


def refused(store: Store) -> pl.DataFrame:
    return landed_rows(store, "people").sort("_row").collect()


def everything(folder: Path) -> str:
    """All that rests below a folder, Parquet as the values it holds."""
    texts = []
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            texts.append(pl.read_parquet(path).write_json())
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
    return "\n".join(texts)


def test_each_method_does_as_it_says(store: Store) -> None:
    frame = people(phone=["0207 946 001", None], born=["1815-12-10", "1990-01-02"], name=["Ada", "Bob"])
    take(store, frame, pii={"email": "hash", "phone": "mask", "born": "encrypt", "name": "drop"})
    found = rows(store)
    assert found.columns == ["id", "email", "phone", "born"]
    assert found["phone"].to_list() == ["**** **6 001", None]
    assert found["email"].str.contains(r"^hash:[0-9a-f]{8}:[0-9a-f]{32}$").all()
    assert found["born"].str.contains(r"^enc:[0-9a-f]{8}:").all()


def test_a_hash_is_that_of_the_cleaned_value_and_joins_across_sources(store: Store) -> None:
    clean = [{"trim": "all"}, {"case": {"email": "lower"}}]
    take(store, people(), pii={"email": "hash"}, clean=clean)
    other = Listed([pl.DataFrame({"mail": [" ada@x.org "], "id": [7.0]})])
    ingest_source(other, "b", settings(pii={"mail": "hash", "id": "hash"}, clean=[{"trim": "all"}]), store, "r1")
    ingest_source(Listed([people()]), "c", settings(pii={"id": "hash"}), store, "r1")
    assert Table(store, "tables/b").read()["mail"][0] == rows(store)["email"][0]
    sevens = [pl.DataFrame({"id": [7]}), pl.DataFrame({"id": ["7"]})]
    for name, frame in zip("de", sevens, strict=True):
        ingest_source(Listed([frame]), name, settings(pii={"id": "hash"}), store, "r1")
    hashes = {Table(store, f"tables/{name}").read()["id"][0] for name in "bde"}
    assert len(hashes) == 1


def test_checks_see_the_plain_value_and_reasons_and_raw_rows_do_not_show_it(store: Store, tmp_path: Path) -> None:
    frame = people(born=["yesterday", "1990-01-02"])
    sections = {
        "pii": {"email": "hash", "born": "encrypt"},
        "columns": {"born": {"type": "date"}},
        "checks": {"mail": "email like '%@y.org'"},
    }
    take(store, frame, refused=("3,eve@x.org,surplus",), **sections)
    assert refused(store).height == 3
    assert refused(store)["_rules"].to_list() == [["type", "mail"], ["mail"], ["unreadable"]]
    found = everything(tmp_path)
    for plain in ("Ada@", "bob@", "yesterday", "1990-01-02", "eve@", "surplus"):
        assert plain not in found


def test_an_unreadable_line_is_withheld_where_nothing_is_encrypted(store: Store) -> None:
    take(store, people(), refused=("3,eve@x.org,surplus",), pii={"email": "hash"})
    (row,) = refused(store).to_dicts()
    assert row["_raw"].startswith("withheld")
    assert row["_reasons"] == "tenure: the line could not be read as a row"
    assert row["_row"] == 90


def test_a_replayed_row_is_hashed_once_as_if_it_had_passed_at_first(store: Store) -> None:
    clean = [{"trim": "all"}, {"case": {"email": "lower"}}]
    sections = {"pii": {"email": "hash", "id": "encrypt", "name": "drop"}, "clean": clean}
    frame = people(name=["Ada", "Bob"])
    take(store, frame, **sections, checks={"big": "id > 1"})
    done = replay("people", settings(**sections), store, "r2")
    assert (done.left, done.kept, done.remaining) == (1, 1, 0)
    other = Store(Path(store.url) / "other")
    take(other, frame, **sections)
    assert rows(store).sort("id").equals(rows(other).sort("id"))


def test_a_row_refused_for_what_cannot_be_had_back_stays_while_that_rule_is_there(store: Store) -> None:
    pii = {"email": "hash", "born": "mask"}
    typed = {"columns": {"born": {"type": "date"}}}
    frame = people(born=["1990-01-02", "yesterday"])
    take(store, frame, pii=pii, **typed, checks={"mail": "email like 'b%'", "big": "id > 5"})
    assert refused(store)["_rules"].to_list() == [["mail", "big"], ["type", "big"]]
    assert replay("people", settings(pii=pii, **typed, checks={"mail": "email = 'x'"}), store, "r2").left == 0
    assert replay("people", settings(pii=pii, **typed), store, "r3").left == 1
    assert rows(store)["born"].to_list() == ["****-01-02"]


def test_an_encrypted_value_is_judged_anew(store: Store) -> None:
    pii = {"email": "encrypt"}
    take(store, people(), pii=pii, checks={"mail": "email like '%@y.org'"})
    assert replay("people", settings(pii=pii, checks={"mail": "email like 'bob%'"}), store, "r2").kept == 1


def test_duplicates_are_found_by_their_hashes(store: Store) -> None:
    sections = {"pii": {"email": "hash"}, "clean": [{"drop_duplicates": "email"}]}
    take(store, people(), **sections)
    frames = Listed([people(), pl.DataFrame({"id": [3, 4], "email": ["bob@x.org", "eve@x.org"]})])
    done = ingest_source(frames, "people", settings(**sections), store, "r2")
    assert (done.kept, done.duplicate) == (1, 1)


def test_a_file_with_a_dropped_and_a_hashed_number_is_read_again_as_before(store: Store, tmp_path: Path) -> None:
    sections = {"pii": {"id": "hash", "name": "drop"}, "checks": {"small": "id < 100"}}
    for name, text in (("a", "id,name\n1,Ada\n2,Bob\n"), ("b", "id,name\n3,Eve\n400,Joe\n")):
        (tmp_path / f"{name}.csv").write_text(text)
        ingest("people", settings(**sections).model_copy(update={"from_": "*.csv"}), store, tmp_path, name)
    assert rows(store).height == 3
    assert refused(store)["_rules"].to_list() == [["small"]]


def test_without_a_key_nothing_is_read(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_PII_KEY")
    with pytest.raises(ProjectFileError, match="`MILLRACE_PII_KEY` is not set") as caught:
        ingest("people", settings(pii={"email": "hash"}), store, tmp_path / "nowhere", "r1")
    assert "openssl rand" in caught.value.next_step


def test_a_short_key_is_refused_and_not_shown(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PII_KEY", "pass123")
    with pytest.raises(ProjectFileError, match="fewer than 16 characters") as caught:
        ingest("people", settings(pii={"email": "hash"}), store, tmp_path, "r1")
    assert "pass123" not in str(caught.value)


def test_mask_and_drop_need_no_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_PII_KEY")
    take(store, people(), pii={"email": "mask"})
    assert rows(store)["email"].to_list() == ["***@x.org", "***@x.org"]


def test_a_new_key_in_front_goes_on_hashing_and_reads_what_was_encrypted(store: Store, monkeypatch) -> None:
    sections = {"pii": {"email": "hash", "id": "encrypt"}}
    take(store, people(), **sections, checks={"big": "id > 1"})
    monkeypatch.setenv("MILLRACE_PII_KEY", f"{OTHER},{KEY}")
    assert replay("people", settings(**sections), store, "r2").kept == 1
    assert rows(store)["email"].str.slice(5, 8).n_unique() == 1
    assert rows(store)["id"].str.slice(4, 8).n_unique() == 2


def test_another_hashing_key_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take(store, people(), pii={"email": "hash"})
    monkeypatch.setenv("MILLRACE_PII_KEY", OTHER)
    frames = Listed([people(), people()])
    with pytest.raises(DataError, match="they would not match"):
        ingest_source(frames, "people", settings(pii={"email": "hash"}), store, "r2")


def test_plain_and_protected_values_never_share_a_table(store: Store) -> None:
    take(store, people())
    frames = Listed([people(), people()])
    with pytest.raises(DataError, match="`pii` says something else of `email`"):
        ingest_source(frames, "people", settings(pii={"email": "hash"}), store, "r2")


def test_an_unknown_column_is_an_error_with_the_nearest(store: Store) -> None:
    with pytest.raises(ProjectFileError, match="`emial` is not a column") as caught:
        take(store, people(), pii={"emial": "mask"})
    assert caught.value.nearest == "email"


def test_encryption_without_its_library_names_the_extra(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingExtraError, match="cryptography") as caught:
        take(store, people(), pii={"email": "encrypt"})
    assert "millrace[encrypt]" in caught.value.next_step
