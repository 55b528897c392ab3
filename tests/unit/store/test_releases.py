"""The release log has no gaps, no double numbers, and refuses to guess."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.errors import ReleaseError
from millrace.records.release import Release
from millrace.store.objects import Store
from millrace.store.releases import append, champion, history, standing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def release(number: int, version: int, kind: str = "promote", previous: int | None = None) -> Release:
    return Release(number, kind, "churn", version, previous, "2026-01-02T03:04:05+00:00", "ada@mill", "because")


def promoted(version: int):
    return lambda past: release(len(past) + 1, version, previous=past[-1].version if past else None)


def test_an_empty_store_has_no_champion(store: Store) -> None:
    assert champion(store) is None
    assert history(store) == ()


def test_the_newest_entry_is_champion_also_past_number_ten(store: Store) -> None:
    for version in range(1, 13):
        append(store, promoted(version))
    assert champion(store) == release(12, 12, previous=11)
    assert [entry.version for entry in history(store)] == list(range(1, 13))


def test_eight_writers_at_once_leave_no_gap_and_a_true_chain_of_champions(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda version: append(store, promoted(version)), range(1, 25)))
    past = history(store)
    assert sorted(entry.number for entry in written) == list(range(1, 25))
    assert sorted(entry.version for entry in past) == list(range(1, 25))
    assert [entry.previous for entry in past] == [None, *(entry.version for entry in past[:-1])]


def test_a_refused_entry_writes_nothing(store: Store) -> None:
    append(store, promoted(1))

    def refuse(past: tuple[Release, ...]) -> Release:
        raise ReleaseError("no", where="test")

    with pytest.raises(ReleaseError, match="no"):
        append(store, refuse)
    with pytest.raises(ReleaseError, match="Release 7 cannot follow release 1"):
        append(store, lambda past: release(7, 7))
    assert len(history(store)) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("2.json", b"", "releases/2.json", id="empty"),
        pytest.param("2.json", b"{not json", "releases/2.json", id="not JSON"),
        pytest.param("2.json", b"\xff\xfe", "releases/2.json", id="not UTF-8"),
        pytest.param("2.json", b"[]", "releases/2.json", id="not an object"),
        pytest.param("2.json", b'{"number": 2}', "releases/2.json", id="fields missing"),
        pytest.param("3.json", b"{}", "releases/2.json.*missing although release 3", id="gap"),
        pytest.param("notes.txt", b"hello", "notes.txt.*not a release number", id="stray file"),
        pytest.param("02.json", b"{}", "02.json.*not a release number", id="padded number"),
    ],
)
def test_a_damaged_log_names_the_file(store: Store, name: str, content: bytes, message: str) -> None:
    append(store, promoted(1))
    store.write(f"releases/{name}", content)
    with pytest.raises(ReleaseError, match=message):
        champion(store)
    with pytest.raises(ReleaseError, match=message):
        append(store, promoted(2))


def test_an_entry_that_calls_itself_otherwise_is_refused(store: Store) -> None:
    append(store, promoted(1))
    copied = store.read("releases/1.json")
    assert copied is not None
    store.write("releases/2.json", copied)
    with pytest.raises(ReleaseError, match="calls itself release 1"):
        champion(store)


OLDEST = b"""{"number": 1, "kind": "promote", "package": "churn", "version": 4, "previous": null,
"at": "2026-01-02T03:04:05+00:00", "by": "ada@mill", "reason": "because", "evidence": {"auc": 0.9}, "format": 1}"""


def test_the_oldest_format_opens(store: Store) -> None:
    store.write("releases/1.json", OLDEST)
    found = champion(store)
    assert found is not None
    assert (found.version, found.evidence) == (4, {"auc": 0.9})


def test_a_format_from_the_future_asks_for_an_upgrade(store: Store) -> None:
    store.write("releases/1.json", OLDEST.replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(ReleaseError, match="format 2; this Millrace reads up to 1"):
        champion(store)


@pytest.mark.parametrize(
    ("log", "left"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([1, 2, 3], [1, 2, 3], id="promotions pile up"),
        pytest.param([1, 2, 3, "2"], [1, 2], id="a rollback takes one away"),
        pytest.param([1, 2, 3, "2", "1"], [1], id="a second goes further back"),
        pytest.param([1, 2, "1", 3, "1"], [1], id="undone promotions are not led back to"),
        pytest.param([1, 2, 1, "2"], [1, 2], id="an old version promoted again counts as new"),
    ],
)
def test_standing_promotions(log: list[int | str], left: list[int]) -> None:
    past = tuple(
        release(number, int(version), "rollback" if isinstance(version, str) else "promote")
        for number, version in enumerate(log, 1)
    )
    assert [entry.version for entry in standing(past)] == left


def test_a_rollback_to_what_was_never_before_is_damage() -> None:
    with pytest.raises(ReleaseError, match=r"releases/2.json.*not the champion before"):
        standing((release(1, 1), release(2, 9, "rollback")))
