"""A verb leaves an entry when it begins and one that says how it ended, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.config.secrets import Redaction
from millrace.errors import RemoteError, UsageError
from millrace.records.release import Release
from millrace.store.audit import actions
from millrace.store.audited import audited
from millrace.store.objects import Store


class Mill:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.hide = Redaction([("TOKEN", "hunter2-hunter2")])

    @audited("promote")
    def promote(self, version: int, reason: str = "", watch: object = None) -> Release:
        if version == 1:
            raise UsageError("no", code="usage.version")
        if version == 2:
            raise KeyboardInterrupt
        return Release(7, "promote", "churn", version, None, "2026-01-02", "ada", reason)

    @audited("serve", required=False)
    def serve(self) -> str:
        return "served"


@pytest.fixture
def mill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mill:
    monkeypatch.setenv("MILLRACE_ACTOR", "nightly job")
    return Mill(tmp_path)


def test_who_what_with_outcome_and_ids(mill: Mill) -> None:
    mill.promote(3, reason="as agreed", watch=print)
    (action,) = actions(mill.store)
    assert (action.verb, action.actor, action.outcome) == ("promote", "nightly job", "done")
    assert action.arguments == {"version": 3, "reason": "as agreed"}
    assert action.ids == {"release": 7, "package": "churn", "version": 3}


def test_without_a_named_actor_it_is_the_user_at_this_machine(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_ACTOR")
    mill.promote(3)
    assert "@" in actions(mill.store)[0].actor


def test_a_failed_and_an_interrupted_verb_say_so(mill: Mill) -> None:
    with pytest.raises(UsageError, match="no"):
        mill.promote(1)
    with pytest.raises(KeyboardInterrupt):
        mill.promote(2)
    assert [action.outcome for action in actions(mill.store)] == ["failed: usage.version", "interrupted"]


def test_a_secret_in_an_argument_is_not_kept(mill: Mill) -> None:
    mill.promote(3, "https://hook?token=hunter2-hunter2")
    assert actions(mill.store)[0].arguments["reason"] == "https://hook?token=${TOKEN}"


def test_a_verb_that_cannot_be_recorded_does_nothing_unless_it_need_not_be(mill: Mill, tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("in the way")
    with pytest.raises(RemoteError, match="audit log cannot be written, so nothing was done"):
        mill.promote(3)
    assert mill.serve() == "served"
