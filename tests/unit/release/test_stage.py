"""Every change of champion is recorded and can be taken back."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from millrace.errors import PackageError, ReleaseError
from millrace.records.evaluation import Evaluation
from millrace.records.package import Manifest, PackageInfo
from millrace.records.signature import Signature
from millrace.release.stage import champion, history, promote, rollback, user_at_host
from millrace.store.objects import Store
from millrace.store.packages import publish

MANIFEST = Manifest(
    name="churn",
    version=0,
    run="r1",
    created="2026-01-02T03:04:05+00:00",
    signature=Signature("binary", "Churn", ()),
    evaluation=Evaluation("binary", {}, "roc_auc", 10),
    files={},
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for _ in range(4):
        publish(store, MANIFEST, {"model.onnx": b"graph"})
    return store


def package(version: int) -> PackageInfo:
    return PackageInfo("churn", version, "")


def apply(store: Store, steps: str) -> None:
    """Promote a version for each digit, roll back for each `<`."""
    for step in steps:
        if step == "<":
            rollback(store, by="ada@mill", reason="worse")
        else:
            promote(store, package(int(step)), by="ada@mill", reason="better")


@pytest.mark.parametrize(
    ("steps", "version"),
    [
        pytest.param("1", 1, id="the first"),
        pytest.param("12", 2, id="the newest"),
        pytest.param("12<", 1, id="back one"),
        pytest.param("123<<", 1, id="back two"),
        pytest.param("12<3<", 1, id="an undone one is skipped"),
        pytest.param("123<4<<", 1, id="undone ones are skipped twice"),
        pytest.param("12<2", 2, id="an undone one can be promoted again"),
        pytest.param("121<", 2, id="back from an old one that returned"),
    ],
)
def test_who_is_champion_after(store: Store, steps: str, version: int) -> None:
    apply(store, steps)
    found = champion(store)
    assert found is not None
    assert found.version == version
    assert [entry.number for entry in history(store)] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("steps", ["1", "12<", "123<<", "12<3<"])
def test_there_is_an_end_to_going_back(store: Store, steps: str) -> None:
    apply(store, steps)
    with pytest.raises(ReleaseError, match="no champion before the current one"):
        rollback(store, reason="worse")
    assert len(history(store)) == len(steps)


def test_nothing_released_nothing_rolled_back(store: Store) -> None:
    with pytest.raises(ReleaseError, match="Nothing was ever released"):
        rollback(store, reason="worse")


def test_an_entry_says_who_why_and_on_what_evidence(store: Store) -> None:
    promote(store, package(1), reason="first", evidence={"roc_auc": 0.9})
    promote(store, package(2), by="ada@mill", reason="second")
    rollback(store, by="bob@mill", reason="wrong scores", evidence={"ticket": "A-1"})
    first, second, third = history(store)
    assert (first.previous, first.reason, first.evidence) == (None, "first", {"roc_auc": 0.9})
    assert first.by == user_at_host()
    assert (second.previous, second.by, second.kind) == (1, "ada@mill", "promote")
    assert (third.previous, third.version, third.kind) == (2, 1, "rollback")
    assert (third.by, third.reason, third.evidence) == ("bob@mill", "wrong scores", {"ticket": "A-1"})
    assert first.at.endswith("+00:00")
    assert first.at <= second.at <= third.at


def test_the_champion_is_not_promoted_again(store: Store) -> None:
    promote(store, package(1), reason="first")
    with pytest.raises(ReleaseError, match="version 1 is champion already"):
        promote(store, package(1), reason="again")


def test_a_package_that_does_not_rest_here_is_never_champion(store: Store) -> None:
    with pytest.raises(PackageError, match="no version 9"):
        promote(store, package(9), reason="first")
    assert champion(store) is None


def test_a_user_without_a_name_still_leaves_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert user_at_host().startswith("unknown@")
