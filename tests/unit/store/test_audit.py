"""The audit log keeps every entry once, and shows when one was changed, removed or inserted."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.errors import DataError
from millrace.records.audit import AuditEntry
from millrace.store.audit import actions, append, verify
from millrace.store.objects import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def write(store: Store, verb: str, kind: str = "begin", **more) -> AuditEntry:
    at = "2026-01-02T03:04:05+00:00"
    return append(store, lambda number, previous: AuditEntry(number, kind, verb, "ada@mill", at, previous, **more))


def entry(store: Store, number: int) -> Path:
    return Path(store.at(f"audit/{number:010d}.json"))


def test_an_empty_log_is_whole(store: Store) -> None:
    assert actions(store) == ()
    assert verify(store).intact


def test_a_verb_has_the_outcome_of_its_end_and_none_without_one(store: Store) -> None:
    began = write(store, "ingest", arguments={"source": "customers"})
    write(store, "run")
    write(store, "ingest", "end", began=began.number, outcome="done", ids={"customers": 3})
    first, second = actions(store)
    assert (first.verb, first.outcome, first.ids, first.arguments) == (
        "ingest",
        "done",
        {"customers": 3},
        {"source": "customers"},
    )
    assert (second.verb, second.outcome) == ("run", "no end")


def test_eight_writers_at_once_leave_one_whole_chain(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda n: write(store, f"verb {n}"), range(24)))
    assert sorted(one.number for one in written) == list(range(1, 25))
    assert {one.verb for one in actions(store)} == {f"verb {n}" for n in range(24)}
    assert verify(store).intact


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        pytest.param(lambda s: entry(s, 2).unlink(), "Entry 2 .* it is gone", id="removed"),
        pytest.param(lambda s: entry(s, 2).write_text("{}"), "Entry 2 .* cannot be read", id="emptied"),
        pytest.param(
            lambda s: entry(s, 2).write_text(entry(s, 2).read_text().replace("ada@mill", "eve@mill")),
            "Entry 3 follows another entry 2",
            id="changed",
        ),
        pytest.param(lambda s: entry(s, 3).rename(entry(s, 2)), "Entry 2 .* calls itself 3", id="moved"),
    ],
)
def test_tampering_is_evident(tamper, problem, store: Store) -> None:
    for n in range(4):
        write(store, f"verb {n}")
    tamper(store)
    verdict = verify(store)
    assert not verdict.intact
    assert re.search(problem, verdict.problem), verdict.problem


def test_a_cut_off_end_shows_by_a_head_noted_earlier(store: Store) -> None:
    for n in range(3):
        write(store, f"verb {n}")
    head = verify(store).head
    write(store, "later")
    assert verify(store, head).intact
    entry(store, 4).unlink()
    entry(store, 3).unlink()
    assert verify(store).intact
    assert "cut off" in verify(store, head).problem


def test_an_entry_of_a_newer_format_asks_for_an_upgrade(store: Store) -> None:
    write(store, "run")
    entry(store, 1).write_text(json.dumps(json.loads(entry(store, 1).read_text()) | {"format": 99}))
    with pytest.raises(DataError, match="format 99; this Millrace reads up to 1"):
        verify(store)
