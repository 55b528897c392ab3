"""Answers appear in a Delta table once and all at once, whoever is killed, repeats or writes at the same time."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from millrace.errors import UsageError
from millrace.store import answers
from millrace.store.answers import AnswerTable

#: Writes three files of two rows; dies by SIGKILL before or after the nth thing that is done to the table.
DYING = """
import os, signal, sys
import polars as pl
from deltalake import DeltaTable
from millrace.store import answers

at, name, when = sys.argv[1:]
owner = answers.Store if name == "write" else answers.DeltaTable
method = getattr(owner, name)

def dying(*given, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    method(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dying)
answers._FILE_BYTES = 1
with answers.AnswerTable(at, "job") as table:
    assert not table.done
    for start in (0, 2, 4):
        table.write(pl.DataFrame({"id": [start, start + 1]}))
    table.commit()
"""


def put(at: Path, job: str, ids: list[int], existing: answers.Existing = "refuse") -> int | None:
    with AnswerTable(str(at), job, existing) as table:
        if table.done:
            return None
        table.write(pl.DataFrame({"id": ids}))
        return table.commit({"asked": job})


def ids(at: Path) -> list[int]:
    return sorted(pl.read_delta(str(at))["id"].to_list())


def test_rows_appear_in_their_order_in_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_FILE_BYTES", 1)
    at = tmp_path / "scores"
    with AnswerTable(str(at), "job") as table:
        for start in range(0, 100, 10):
            table.write(pl.DataFrame({"id": range(start, start + 10)}))
        version = table.commit({"asked": "new.csv"})
    delta = DeltaTable(at)
    assert (delta.version(), len(delta.file_uris())) == (version, 10)
    assert pl.read_delta(str(at))["id"].to_list() == list(range(100))
    assert delta.history(1)[0]["asked"] == "new.csv"


@pytest.mark.parametrize(
    ("name", "when", "rows"),
    [
        ("write", "after", 0),
        ("create", "after", 0),
        ("create_write_transaction", "before", 0),
        ("create_write_transaction", "after", 6),
    ],
)
def test_who_is_killed_and_started_again_writes_each_row_once(tmp_path: Path, name: str, when: str, rows: int) -> None:
    at = tmp_path / "scores"
    command = [sys.executable, "-c", DYING, str(at), name, when]
    died = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with AnswerTable(str(at), "job") as table:
        assert table.done == bool(rows)
    put(at, "job", list(range(6)))
    assert ids(at) == list(range(6))


def test_the_same_job_at_the_same_time_lands_once(tmp_path: Path) -> None:
    at = tmp_path / "scores"
    with AnswerTable(str(at), "job") as one, AnswerTable(str(at), "job") as other:
        for table in (one, other):
            assert not table.done
            table.write(pl.DataFrame({"id": [1]}))
        assert one.commit() == other.commit()
    assert ids(at) == [1]


def test_a_commit_whose_answer_was_lost_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(delta: DeltaTable, *given: object, **named: object) -> None:
        landed(delta, *given, **named)
        raise OSError("the connection was reset")

    landed = DeltaTable.create_write_transaction
    monkeypatch.setattr(DeltaTable, "create_write_transaction", lost)
    assert put(tmp_path / "scores", "job", [1, 2]) == 1
    assert ids(tmp_path / "scores") == [1, 2]


def test_other_answers_are_kept_unless_they_shall_be_added_to_or_replaced(tmp_path: Path) -> None:
    at = tmp_path / "scores"
    put(at, "monday", [1])
    with pytest.raises(UsageError, match=r"has other answers[\s\S]*--append, --replace"):
        put(at, "tuesday", [2])
    assert put(at, "tuesday", [2], "append") is not None
    assert ids(at) == [1, 2]
    assert [put(at, job, [3], "append") for job in ("monday", "tuesday")] == [None, None]
    assert put(at, "wednesday", [3], "replace") is not None
    assert put(at, "wednesday", [3], "replace") is None
    assert ids(at) == [3]
    assert put(at, "monday", [1], "append") is not None
    assert put(at, "wednesday", [3], "replace") is not None
    assert ids(at) == [3]


def test_only_a_replacement_brings_other_columns(tmp_path: Path) -> None:
    at = tmp_path / "scores"
    put(at, "monday", [1])
    for existing in ("append", "replace"):
        with AnswerTable(str(at), "tuesday", existing) as table:
            rows = pl.DataFrame({"id": [2], "label": ["yes"]})
            if existing == "append":
                with pytest.raises(UsageError, match=r"`label` \(none there, String now\)"):
                    table.write(rows)
            else:
                table.write(rows)
                table.commit()
    assert pl.read_delta(str(at)).to_dicts() == [{"id": 2, "label": "yes"}]


def test_nothing_but_answers_is_ever_touched(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "table", pl.DataFrame({"id": [9]}))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    for name, seen in (("table", "did not make"), ("folder", "no Delta table"), ("folder/notes.txt", "no Delta table")):
        with pytest.raises(UsageError, match=seen):
            put(tmp_path / name, "job", [1], "replace")
    assert ids(tmp_path / "table") == [9]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["notes.txt"]


def test_who_gives_up_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_FILE_BYTES", 1)
    with AnswerTable(str(tmp_path / "scores"), "job") as table:
        table.write(pl.DataFrame({"id": [1]}))
        assert list((tmp_path / "scores").iterdir())
    assert list((tmp_path / "scores").iterdir()) == []


def test_without_rows_nothing_is_written(tmp_path: Path) -> None:
    with AnswerTable(str(tmp_path / "scores"), "job") as table:
        assert table.commit() == -1
    assert not (tmp_path / "scores").exists()
