"""What was written of a trial is read again; nothing else is taken for it."""

from pathlib import Path

import numpy as np
import pytest

from millrace.store.objects import Store
from millrace.store.trial_book import FinishedTrial, TrialBook

DECIDED = {"dataset": ["tables/a", 3], "seed": 0}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def finished() -> FinishedTrial:
    return FinishedTrial((np.array([[0.1, 0.9], [0.75, 0.25]]), np.array([[1 / 3, 2 / 3]])), trees=41, seconds=2.5)


def test_another_process_finds_every_digit_of_every_fold(store: Store) -> None:
    TrialBook(store, DECIDED).keep("LightGBM, deep", finished())

    found = TrialBook(Store(store.url), DECIDED).find("LightGBM, deep")

    assert found is not None
    assert [fold.tolist() for fold in found.outputs] == [[[0.1, 0.9], [0.75, 0.25]], [[1 / 3, 2 / 3]]]
    assert (found.trees, found.seconds) == (41, 2.5)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"dataset": ["tables/a", 4]}, {"more": None}])
def test_a_changed_setting_starts_afresh(store: Store, changed: dict[str, object]) -> None:
    TrialBook(store, DECIDED).keep("linear", finished())
    assert TrialBook(store, DECIDED | changed).find("linear") is None


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"PK\x03\x04 cut short"])
def test_a_damaged_trial_is_tried_again(store: Store, damage: bytes) -> None:
    book = TrialBook(store, DECIDED)
    book.keep("linear", finished())
    (key,) = store.keys(book.folder)
    store.write(key, damage)
    assert book.find("linear") is None


def test_objects_are_never_unpickled(store: Store, tmp_path: Path) -> None:
    book = TrialBook(store, DECIDED)
    book.keep("linear", finished())
    (key,) = store.keys(book.folder)
    hostile = np.array([{"an": "object"}], dtype=object)
    with (tmp_path / key).open("wb") as file:
        np.savez(file, format=1, trial="linear", folds=1, trees=0, seconds=0.0, fold_0=hostile)
    assert book.find("linear") is None


def test_the_oldest_format_is_still_read(store: Store, tmp_path: Path) -> None:
    """Format 1 as numpy writes it, spelled out."""
    book = TrialBook(store, DECIDED)
    book.keep("linear", finished())
    (key,) = store.keys(book.folder)
    with (tmp_path / key).open("wb") as file:
        np.savez(file, format=1, trial="linear", folds=1, trees=7, seconds=0.5, fold_0=np.array([1.0, 2.0]))
    found = book.find("linear")
    assert found is not None
    assert (found.outputs[0].tolist(), found.trees, found.seconds) == ([1.0, 2.0], 7, 0.5)


def test_a_format_of_the_future_is_not_guessed_at(store: Store, tmp_path: Path) -> None:
    book = TrialBook(store, DECIDED)
    book.keep("linear", finished())
    (key,) = store.keys(book.folder)
    with (tmp_path / key).open("wb") as file:
        np.savez(file, format=2, trial="linear", folds=1, trees=7, seconds=0.5, fold_0=np.array([1.0, 2.0]))
    assert book.find("linear") is None


def test_what_is_forgotten_is_this_training_alone(store: Store) -> None:
    mine, other = TrialBook(store, DECIDED), TrialBook(store, {"seed": 9})
    for book in (mine, other):
        book.keep("linear", finished())
    mine.forget()
    assert mine.find("linear") is None
    assert other.find("linear") is not None
