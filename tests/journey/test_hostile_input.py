"""Input that means harm, typed by a user who does not know it: told what it is, and nothing half-done is left."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from unit.sources.spreadsheet import write_xlsx

pytestmark = pytest.mark.journey

#: MB of addresses a command may take, most of which its libraries reserve and never use.
MEMORY = 12 << 10
ROWS = "a,y\n" + "".join(f"{i % 7},{'no' if i % 7 > 3 else 'yes'}\n" for i in range(60))


@pytest.fixture
def refusal(tmp_path: Path, type_in: Callable[..., Any]) -> Callable[..., str]:
    """What `millrace ingest` says of a file with this name and content, which it must refuse with exit code 1."""

    def refusal(name: str, content: bytes, *, checks: str = "", expect: int = 1) -> str:
        (tmp_path / name).write_bytes(content)
        rules = f", checks: {{c: {json.dumps(checks)}}}" if checks else ""
        (tmp_path / "millrace.yaml").write_text(
            f"version: 1\nproject: p\nsources:\n  s: {{from: {name}{rules}}}\nmodel: {{predict: y}}\n"
        )
        said: str = type_in("ingest", expect=expect, memory=MEMORY).stderr
        assert "Traceback" not in said
        assert not list((tmp_path / "store").rglob("*.parquet"))
        assert not list((tmp_path / "store").rglob("commits/*"))
        return said

    return refusal


def zipped(path: Path, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path.read_bytes()


@pytest.mark.parametrize(
    "check",
    ["1=1); drop table x; --", "a in (select 1)", "(select count(*) from read_csv('/etc/passwd')) > 0"],
    ids=["second-statement", "subselect", "file"],
)
def test_a_check_is_one_expression_over_the_row_and_nothing_else(refusal: Callable[..., str], check: str) -> None:
    said = refusal("a.csv", ROWS.encode(), checks=check, expect=3)
    assert "check" in said
    assert "root:" not in said


def test_archives_that_unpack_without_end_or_climb_out_are_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    bomb = b"a,y\n" + b"1,0000000000000000\n" * (4 << 20)
    assert "decompression bomb" in refusal("bomb.csv.gz", gzip.compress(bomb, 6))
    assert "decompression bomb" in refusal("bomb.csv.zip", zipped(tmp_path / "z", "a.csv", bomb))
    assert "leads out" in refusal("out.csv.zip", zipped(tmp_path / "z", "../../out.csv", ROWS.encode()))
    assert not (tmp_path.parent / "out.csv").exists()


def test_xml_that_declares_entities_is_refused(refusal: Callable[..., str]) -> None:
    declared = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r><i><a>&b;</a></i></r>'
    assert "entit" in refusal("bomb.xml", declared.encode())
    assert "root:" not in refusal(
        "read.xml", b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><i><a>&x;</a></i></r>'
    )


def test_json_nested_without_end_is_refused(refusal: Callable[..., str]) -> None:
    said = refusal("deep.json", b"[" * 100_000 + b"]" * 100_000)
    assert "deep.json" in said


def test_a_table_of_too_many_columns_and_a_line_without_end_are_refused(refusal: Callable[..., str]) -> None:
    names, values = (",".join(f"{sign}{i}" for i in range(100_000)) for sign in ("c", ""))
    assert "100,000 columns" in refusal("wide.csv", f"{names}\n{values}\n".encode())
    assert "first line" in refusal("line.csv", b"a" * (200 << 20))


@pytest.mark.parametrize("name", ["*", "^a$", "_row", "Y"])
def test_a_column_name_that_cannot_be_used_is_told(refusal: Callable[..., str], name: str) -> None:
    said = refusal("names.csv", ROWS.replace("a,y", f"{name},y").encode(), expect=1 if name in {"*", "^a$"} else 3)
    assert f"`{name}`" in said
    assert "rename" in said


def sheet(path: Path, rows: str, texts: str = "") -> bytes:
    """A spreadsheet with these rows, and these shared texts."""
    write_xlsx(path, rows)
    if texts:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/sharedStrings.xml", f"<sst>{texts}</sst>")
    return path.read_bytes()


def cells(count: int, cell: str = "<c><v>1</v></c>") -> str:
    return f"<row>{cell * count}</row>"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="BDWGN1"><v>1</v></c></row>',
        "<row r='1'><c  r='BDWGN1' ><v>1</v></c></row>",
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        cells(1_000_000),
    ],
    ids=["reference", "single-quotes", "last-cell", "without-references"],
)
def test_a_spreadsheet_of_a_million_columns_or_of_too_many_cells_is_refused(
    refusal: Callable[..., str], tmp_path: Path, rows: str
) -> None:
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    said = refusal("wide.xlsx", sheet(tmp_path / "z", rows))
    assert "source.sheet" in said
    assert "16,384 columns" in said


def test_a_spreadsheet_that_unpacks_without_end_or_repeats_one_text_is_refused(
    refusal: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    text = f"<si><t>{'x' * (8 << 20)}</t></si>"
    again = "".join(cells(16_000, '<c t="s"><v>0</v></c>') for _ in range(10))
    assert "the same again and again" in refusal("texts.xlsx", sheet(tmp_path / "z", again, text))
    bomb = f"<si><t>{'x' * (300 << 20)}</t></si>"
    assert "decompression bomb" in refusal("bomb.xlsx", sheet(tmp_path / "z", cells(1), bomb))


def test_a_zstandard_bomb_and_archives_within_archives_are_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="needs the extra zstd")
    bomb = b"a,y\n" + b"1,0000000000000000\n" * (16 << 20)
    assert "decompression bomb" in refusal("bomb.csv.zst", zstandard.compress(bomb))
    inner = zipped(tmp_path / "z", "a.csv", ROWS.encode())
    assert "holds a ZIP archive" in refusal("nested.csv.zip", zipped(tmp_path / "z", "a.csv.zip", inner))
    assert "holds gzip data" in refusal("twice.csv.gz", gzip.compress(gzip.compress(ROWS.encode() * 100)))


@pytest.fixture
def database(tmp_path: Path) -> Callable[[], list[Any]]:
    """A SQLite database with a table of customers; gives its rows as they are now."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table customers (id integer primary key, at text, y text)")
        values = [(1, "2026-01-01"), (2, "'; drop table customers; --"), (3, "zz' or '1'='1")]
        connection.executemany("insert into customers values (?, ?, 'a')", values)
        connection.commit()

    def rows() -> list[Any]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("select id from customers order by id").fetchall()

    return rows


def asked(folder: Path, **source: str) -> None:
    project = {"version": 1, "sources": {"s": {"from": "sqlite:///shop.db", **source}}, "model": {"predict": "y"}}
    (folder / "millrace.yaml").write_text(json.dumps(project))


@pytest.mark.parametrize(
    "source",
    [
        {"table": 'customers"; drop table customers; --', "key": "id"},
        {"table": "customers", "key": 'id"; drop table customers; --'},
        {"table": "customers", "key": "id", "cursor": "at) ; drop table customers; --"},
        {"query": "select * from customers; drop table customers", "key": "id"},
        {"query": "delete from customers returning *", "key": "id"},
        {"query": "select 1) q; drop table customers; --", "key": "id"},
    ],
    ids=["table", "key", "cursor", "second-statement", "delete", "out-of-the-brackets"],
)
def test_what_is_asked_of_a_database_cannot_change_it(
    type_in: Callable[..., Any], tmp_path: Path, database: Callable[[], list[Any]], source: dict[str, str]
) -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra sql")
    asked(tmp_path, **source)
    done = type_in("ingest", expect=1)
    assert "Traceback" not in done.stderr
    assert "Next:" in done.stderr
    assert database() == [(1,), (2,), (3,)]
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_values_that_read_as_sql_are_values(
    told: Callable[..., Any], tmp_path: Path, database: Callable[[], list[Any]]
) -> None:
    pytest.importorskip("sqlalchemy", reason="needs the extra sql")
    asked(tmp_path, table="customers", key="id", cursor="at")
    assert [one["read"] for one in told("ingest")] == [3]
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("insert into customers values (4, 'zzz'';--', 'b')")
        connection.commit()
    assert [one["kept"] for one in told("ingest")] == [1]
    assert [one["read"] for one in told("ingest")] == [0]
    assert database() == [(1,), (2,), (3,), (4,)]


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", "..", ""])
def test_a_source_cannot_be_named_out_of_the_store(type_in: Callable[..., Any], tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    project = {"version": 1, "sources": {name: {"from": "a.csv"}}, "model": {"predict": "y"}}
    (tmp_path / "millrace.yaml").write_text(json.dumps(project))
    said = type_in("ingest", expect=3).stderr
    assert "Traceback" not in said
    assert f"`{name}`" in said or "name" in said
    assert not list(tmp_path.parent.rglob("evil"))
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from s; drop table s",
        "copy (select * from s) to 'out.csv'",
        "select *, getenv('HOME') as home from s",
        "attach 'shop.db'",
    ],
)
def test_a_dataset_is_one_question_about_the_tables(type_in: Callable[..., Any], tmp_path: Path, sql: str) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    project = {"version": 1, "sources": {"s": {"from": "a.csv"}}, "dataset": {"sql": sql}, "model": {"predict": "y"}}
    (tmp_path / "millrace.yaml").write_text(json.dumps(project))
    done = type_in("train", expect=3)
    assert "Traceback" not in done.stderr
    assert "root:" not in done.stderr + done.stdout
    assert not (tmp_path / "out.csv").exists()
