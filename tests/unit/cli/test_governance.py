"""The verbs of governance over a real project: what they do, print, and write into the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace.cli.edge import run

PROJECT = """\
sources:
  people:
    from: people.csv
    key: email
    pii: {email: hash}
    retain: 400 days
model: {predict: age}
"""


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run a command line in a folder with a project; give the exit code and all that was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 32)
    monkeypatch.setenv("MILLRACE_ACTOR", "the clerk")
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    (tmp_path / "people.csv").write_text("email,age\nada@x.org,36\nbob@x.org,40\n")

    def say(*argv: str) -> tuple[int, str]:
        code = run(argv)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return say


def test_a_person_is_erased_and_the_audit_log_does_not_name_them(said, tmp_path: Path) -> None:
    said("ingest")
    code, words = said("erase", "people", "--key", "ada@x.org", "--dry-run")
    assert (code, "people: 1 row would be removed, found by email." in words) == (0, True)
    assert "people: no row has this email." in said("erase", "people", "--key", "eve@x.org", "--dry-run")[1]
    code, words = said("erase", "people", "--where", "email=ada@x.org", "--now", "--json")
    record = json.loads(words)
    assert record["removed"]["tables/people"] == 1
    assert record["person"].startswith("hash:")
    assert "Older versions can be read until" in said("erase", "people", "--key", "bob@x.org")[1]
    code, words = said("audit", "list", "--json")
    entries = json.loads(words)
    assert [(one["verb"], one["actor"], one["outcome"]) for one in entries] == [
        ("ingest", "the clerk", "done"),
        *[("erase", "the clerk", "done")] * 4,
    ]
    assert entries[3]["ids"]["person"] == record["person"]
    assert entries[3]["arguments"] == {"source": "people", "now": True}
    for path in (tmp_path / "store").rglob("*.json"):
        assert "ada@" not in path.read_text()
    assert "erase" in said("audit", "list")[1]


def test_the_audit_log_is_verified_and_a_change_ends_in_1(said, tmp_path: Path) -> None:
    assert said("audit", "list") == (0, "Nothing was run yet.\n")
    said("ingest")
    code, words = said("audit", "verify")
    assert (code, "2 entries, none changed, removed or inserted." in words) == (0, True)
    head = json.loads(said("audit", "verify", "--json")[1])["head"]
    assert said("audit", "verify", "--head", head)[0] == 0
    entry = tmp_path / "store" / "audit" / "0000000001.json"
    entry.write_text(entry.read_text().replace("the clerk", "a thief"))
    assert said("audit", "verify") == (1, "✗ Entry 2 follows another entry 1 than the one that is there.\n")


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (("--where", "ada@x.org"), "`--where` names a column and a value."),
        ((), "Nobody was named."),
        (("--key", "a", "--key", "b"), "2 values were given for the key, and `people` has the columns email."),
    ],
    ids=["no column", "nobody", "too many"],
)
def test_a_person_who_is_not_named_rightly(words, seen, said) -> None:
    said("ingest")
    code, told = said("erase", "people", *words)
    assert code == 2
    assert seen in told
    assert "ada@" not in told


def test_a_retention_that_is_no_time_says_where(said, tmp_path: Path) -> None:
    (tmp_path / "millrace.yaml").write_text(PROJECT.replace("400 days", "a while"))
    code, words = said("ingest")
    assert code == 3
    assert "millrace.yaml:6:13" in words
    assert "a while" in words


def test_without_a_key_nothing_is_read(said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_PII_KEY")
    for verb in (("ingest",), ("check",), ("erase", "people", "--key", "x")):
        code, words = said(*verb)
        assert code == 3
        assert "export MILLRACE_PII_KEY=$(openssl rand -hex 32)" in words


def test_a_key_is_made_listed_and_revoked_and_its_secret_is_seen_once(
    said: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    made = json.loads(said("key", "create", "shop", "--for", "predict", "--for", "feedback", "--json")[1])
    identity, secret = made["key"]["id"], made["secret"]
    assert made["key"]["verbs"] == ["predict", "feedback"]
    assert said("key", "revoke", identity) == (0, f"✓ The key {identity} of shop is good for nothing any more.\n")
    (listed,) = json.loads(said("key", "list", "--json")[1])
    assert listed["revoked"] >= listed["created"]
    later = said("key", "list")[1] + said("audit", "list", "--json")[1]
    assert "key create" in later
    assert secret not in later
    rests = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret.encode() not in rests


@pytest.mark.parametrize("every", ["never", "0 s"])
def test_a_pause_that_is_none_is_a_wrong_use(said, every: str) -> None:
    code, words = said("ingest", "--watch", "--every", every)
    assert (code, f"`{every}` is no " in words, "--every  usage" in words) == (2, True, True)


def test_who_was_erased_is_told_by_the_key_alone(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "millrace.yaml").write_text(PROJECT.replace("    pii: {email: hash}\n", ""))
    said("ingest")
    said("erase", "people", "--key", "ada@x.org")
    monkeypatch.delenv("MILLRACE_PII_KEY")
    code, words = said("ingest")
    assert (code, "Somebody was erased from `people` and must not come back" in words) == (3, True)


def test_check_says_which_columns_there_are_where_the_target_is_none(said, tmp_path: Path) -> None:
    (tmp_path / "millrace.yaml").write_text(PROJECT.replace("predict: age", "predict: agee"))
    code, words = said("check")
    assert (code, "no source has a column `agee`; there are: email, age" in words) == (1, True)
