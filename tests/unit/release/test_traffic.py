"""What is tried beside the champion is recorded, and ends with the champion."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.errors import PackageError, ReleaseError, UsageError
from millrace.records.package import PackageInfo
from millrace.records.signature import Signature
from millrace.records.traffic import Challenger, Outcome, Shadow
from millrace.release.stage import promote
from millrace.release.traffic import OVERTAKEN, challenge, listen, outcome_of, stop
from millrace.store.objects import Store
from millrace.store.releases import champion
from millrace.store.traffic import current, history
from tiny_package import publish_tiny

ACCURACY = Outcome("accuracy", higher=True)
CLASSES = Signature("binary", "bought", (), ("no", "yes"), "yes")
PRICE = Signature("regression", "price", ())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    first, *_ = [publish_tiny(store) for _ in range(4)]
    promote(store, first, by="ada", reason="run")
    return store


def tried(version: int, weight: float = 0.1) -> Challenger:
    return Challenger(version, weight, ACCURACY, "")


def now(store: Store) -> object:
    release = champion(store)
    assert release
    return current(store, release)


def test_nothing_is_tried_before_anything_was_said(store: Store) -> None:
    assert now(store) is None


def test_a_challenger_and_a_shadow_stand_beside_each_other_and_each_is_stopped_alone(store: Store) -> None:
    challenge(store, tried(2), by="ada", reason="a")
    both = listen(store, Shadow(3), by="bob", reason="b")
    assert both.challenger
    assert (both.challenger.version, both.shadow and both.shadow.version, both.number) == (2, 3, 2)
    assert now(store) == both
    left = stop(store, "challenger", by="ada", reason="c")
    assert (left.challenger, left.shadow) == (None, both.shadow)
    stop(store, "all", by="ada", reason="d")
    assert now(store) is None
    assert [(one.by, one.reason) for one in history(store)] == [("ada", "a"), ("bob", "b"), ("ada", "c"), ("ada", "d")]


def test_another_champion_ends_what_is_tried(store: Store) -> None:
    challenge(store, tried(2), by="ada", reason="")
    promote(store, publish_tiny(store), by="ada", reason="run")
    assert now(store) is None
    listened = listen(store, Shadow(3), by="ada", reason="")
    assert listened.challenger is None


def test_nothing_is_tried_beside_another_champion_than_was_meant(store: Store) -> None:
    seen = champion(store)
    promote(store, PackageInfo("churn", 4, ""), by="bob", reason="meanwhile")
    for attempt in (
        lambda: challenge(store, tried(2), by="ada", reason="", beside=seen),
        lambda: listen(store, Shadow(2), by="ada", reason="", beside=seen),
    ):
        with pytest.raises(ReleaseError, match="Version 4 became champion meanwhile") as error:
            attempt()
        assert error.value.code == OVERTAKEN
    assert history(store) == ()


def test_a_grown_weight_keeps_the_askers_and_begins_the_count_anew(store: Store) -> None:
    first = challenge(store, tried(2, 0.1), by="ada", reason="").challenger
    grown = challenge(store, tried(2, 0.5), by="ada", reason="").challenger
    other = challenge(store, tried(3, 0.5), by="ada", reason="").challenger
    assert first
    assert grown
    assert other
    assert first.salt == grown.salt != other.salt
    assert first.since < grown.since < other.since


@pytest.mark.parametrize("weight", [0.0, 1.0, -0.1, 1.5])
def test_a_challenger_answers_a_part_of_the_traffic(store: Store, weight: float) -> None:
    with pytest.raises(UsageError, match="The weight is"):
        challenge(store, tried(2, weight), by="ada", reason="")
    assert history(store) == ()


def test_only_other_versions_that_exist_are_tried(store: Store) -> None:
    with pytest.raises(ReleaseError, match="Version 1 is the champion"):
        challenge(store, tried(1), by="ada", reason="")
    with pytest.raises(PackageError, match="has no version 9"):
        listen(store, Shadow(9), by="ada", reason="")


@pytest.mark.parametrize("what", ["all", "challenger", "shadow"])
def test_there_must_be_something_to_stop(store: Store, what: str) -> None:
    with pytest.raises(ReleaseError, match=r"Nothing is tried|There is no"):
        stop(store, what, by="ada", reason="")


def test_without_a_champion_nothing_is_tried(tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path))
    with pytest.raises(ReleaseError, match="There is no champion"):
        challenge(Store(tmp_path), tried(1), by="ada", reason="")


@pytest.mark.parametrize(
    ("text", "signature", "expected"),
    [
        ("", CLASSES, Outcome("accuracy", higher=True)),
        ("brier", CLASSES, Outcome("brier", higher=False)),
        ("outcome", CLASSES, Outcome("outcome", higher=True, of="yes")),
        ("outcome=no", CLASSES, Outcome("outcome", higher=True, of="no")),
        ("", PRICE, Outcome("absolute_error", higher=False)),
        ("outcome", PRICE, Outcome("outcome", higher=True)),
    ],
)
def test_an_outcome_has_its_direction(text: str, signature: Signature, expected: Outcome) -> None:
    assert outcome_of(text, signature) == expected


def test_less_of_an_outcome_may_be_better_and_never_less_accuracy() -> None:
    assert not outcome_of("outcome=yes", CLASSES, lower=True).higher
    assert outcome_of("accuracy", CLASSES, lower=True).higher


@pytest.mark.parametrize(
    ("text", "signature"), [("f1", CLASSES), ("outcome=maybe", CLASSES), ("accuracy=yes", CLASSES), ("brier", PRICE)]
)
def test_an_outcome_that_the_model_does_not_have_is_refused_with_those_it_has(text: str, signature: Signature) -> None:
    with pytest.raises(UsageError, match="is no outcome of a") as caught:
        outcome_of(text, signature)
    assert "outcome" in " ".join(caught.value.allowed)
