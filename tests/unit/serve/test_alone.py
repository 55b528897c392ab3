"""A package served by itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from millrace.config.schema import ServeSettings
from millrace.errors import PackageError, TamperedError
from millrace.records.progress import Step
from millrace.serve.alone import serve_alone
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.prediction_log import feedback, predictions
from millrace.store.signing import make_keys
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}


class _EnoughError(Exception):
    """The server answered, and is to end."""


def asked(path: Path, store: Path | None) -> list[int]:
    """The statuses of a prediction and of its feedback, of a server that then ends."""
    statuses: list[int] = []

    def ask(step: Step) -> None:
        answer = httpx.post(f"{step.text}/predict", json=ROW)
        outcome = {"id": answer.json()["predictions"][0]["id"], "outcome": "Yes"}
        statuses.extend((answer.status_code, httpx.post(f"{step.text}/feedback", json=outcome).status_code))
        raise _EnoughError

    with pytest.raises(_EnoughError):
        serve_alone(str(path), ServeSettings(port=0), str(store) if store else None, ask)
    return statuses


def test_without_a_store_answers_are_given_and_feedback_is_refused(store: Store) -> None:
    assert asked(Path(store.url), None) == [200, 503]


def test_with_a_store_answers_and_feedback_are_kept(store: Store, tmp_path: Path) -> None:
    assert asked(Path(find(store, "churn", 1).path), tmp_path / "kept") == [200, 200]
    assert predictions(Store(tmp_path / "kept")).height == feedback(Store(tmp_path / "kept")).height == 1


def test_a_store_that_has_another_package_in_its_place_is_refused(store: Store, tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path / "kept"), bias=-5.0)
    with pytest.raises(PackageError, match="The store has another version 1 of churn"):
        serve_alone(find(store, "churn", 1).path, ServeSettings(port=0), str(tmp_path / "kept"))


@pytest.mark.parametrize(
    ("packages", "seen"), [(0, "There is no package"), (2, "There are 2 packages: packages/churn/1")]
)
def test_one_package_is_asked_for(tmp_path: Path, packages: int, seen: str) -> None:
    for _ in range(packages):
        publish_tiny(Store(tmp_path))
    with pytest.raises(PackageError, match=seen):
        serve_alone(str(tmp_path), ServeSettings(port=0))


def test_nothing_is_served_that_the_trusted_key_did_not_sign(store: Store, tmp_path: Path) -> None:
    public = make_keys(tmp_path / "key.pem")
    with pytest.raises(TamperedError, match="not signed"):
        serve_alone(find(store, "churn", 1).path, ServeSettings(port=0, trust=str(public)))
