"""Every file at hand through a whole ingest: no row is lost or counted twice, whatever its format and its faults."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from millrace.project import Project
from millrace.records.ingestion import Ingested
from millrace.store.tables import Table

pytestmark = pytest.mark.journey

Taken = tuple[Ingested, pl.DataFrame, pl.DataFrame]


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Taken]:
    """Ingest a file in a project of its own: what the ingest says, the table, the quarantine."""

    def take(file: Path, **stated: object) -> Taken:
        folder = tmp_path / re.sub(r"\W", "-", str(file))
        folder.mkdir()
        settings = {"version": 1, "sources": {"rows": {"from": str(file), **stated}}, "model": {"predict": "y"}}
        (folder / "millrace.yaml").write_text(json.dumps(settings))
        project = Project.load(folder / "millrace.yaml")
        (done,) = project.ingest()
        tables = [Table(project.store, f"{kind}/rows") for kind in ("tables", "quarantine")]
        kept, refused = (table.read() if table.exists else pl.DataFrame() for table in tables)
        assert done.read == done.kept + done.quarantined
        assert (kept.height, refused.height) == (done.kept, done.quarantined)
        return done, kept, refused

    return take


def rows_of(folder: Path, name: str) -> int:
    """The rows of the clean counterpart, as another reader counts them, without the header that a file has."""
    stated = json.loads((folder / "parameters" / f"{name}_parameters.json").read_text("utf-8"))
    with (folder / "clean" / name).open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.reader(handle) if any(value.strip() for value in row)]
    headed = int(stated["header_lines"]) > 0 or [one.strip() for one in rows[0]] == stated["column_names"]
    return len(rows) - headed


@pytest.mark.parametrize("kind", ["pollock-polluted", "pollock-survey-sample"])
def test_each_malformed_file_is_accounted_for_line_by_line(
    shared_data: Path, take: Callable[..., Taken], kind: str
) -> None:
    folder = shared_data / "malformed-csv" / kind
    files = [path for path in sorted((folder / "csv").iterdir()) if path.stat().st_size]
    assert len(files) > 30
    for path in files:
        done, _, refused = take(path)
        assert refused.height == 0 or refused["_reasons"].str.len_chars().min() > 0, path.name
        # A row that the clean file has is in the table, or on the lines of what was refused.
        lines = sum(raw.count("\n") + 1 for raw in refused["_raw"]) if refused.height else 0
        assert done.kept + lines >= rows_of(folder, path.name), path.name


@pytest.mark.parametrize("kind", ["csv-spectrum/csvs", "clevercsv-examples"])
def test_what_others_collected_is_read_row_by_row(shared_data: Path, take: Callable[..., Taken], kind: str) -> None:
    for path in sorted((shared_data / "malformed-csv" / kind).glob("*.csv")):
        done, _, _ = take(path)
        truth = path.parents[1] / "json" / f"{path.stem}.json"
        if truth.exists():
            rows = json.loads(truth.read_text())
            count = len(rows) if isinstance(rows, list) else 1
            assert (done.read, done.kept) == (count, count), path.name


def test_the_countries_are_one_table_in_every_format_and_encoding(
    shared_data: Path, take: Callable[..., Taken]
) -> None:
    folder = shared_data / "formats" / "iso-3166"
    _, wanted, _ = take(folder / "all.csv")
    assert wanted.shape == (249, 11)
    files = ["all.json", "all.xml", *(f"derived/{one.name}" for one in sorted((folder / "derived").iterdir()))]
    for name in files:
        done, kept, _ = take(folder / name)
        assert (done.read, kept.rows()) == (249, wanted.rows()), name


def test_a_spreadsheet_has_as_many_rows_as_its_sheet(shared_data: Path, take: Callable[..., Taken]) -> None:
    file = shared_data / "formats" / "insurance" / "insurance.xlsx"
    with zipfile.ZipFile(file) as archive:
        rows = archive.read("xl/worksheets/sheet1.xml").count(b"<row ")
    done, kept, _ = take(file)
    assert (done.read, kept.height) == (rows - 1, rows - 1)
