"""Damaged files beside their clean counterparts, value by value: equal, or the row is refused for a true reason."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.source import FileSource

#: What differs from the clean files beyond lines that are broken, as docs/files.md tells users: rows kept with other
#: values, rows refused though the clean file has them, and whether the names are others.
DIFFERS = {
    "file_escape_char_0x00": (0, 6, False),
    "file_header_multirow_2": (0, 0, True),
    "file_quotation_char_0x27": (0, 33, False),
    "13": (0, 0, True),
    "15": (0, 0, True),
    "17": (0, 0, True),
    "19": (0, 202, True),
    "21": (0, 0, True),
}


@dataclass(frozen=True)
class Read:
    """What a file gave: its names, how many times each row, and the refusals (line, column, reason, text)."""

    delimiter: str
    names: list[str]
    kept: Counter[tuple[str, ...]]
    refused: list[tuple[int, str | None, str, str]]


def source(path, schema=None):
    return FileSource("s", SourceSettings(**{"from": path.name}), path.parent, schema, DelimitedFormat)


def read(path: Path, delimiter: str = ",") -> Read:
    names = list(source(path).schema())
    batches = list(source(path, dict.fromkeys(names, "text")).batches(None))
    kept = Counter(plain(row) for batch in batches for row in batch.frame.rows())
    return Read(delimiter, names, kept, [row for batch in batches for row in batch.refused.rows()])


def plain(row):
    """The row without what clean files change: line ends, and empty values that fill it up to the widest table."""
    values = [(value or "").strip().replace("\r\n", "\n") for value in row]
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def signs(texts) -> str:
    """The letters and digits of texts, which damage to delimiters and quotes leaves alone."""
    return re.sub(r"\W", "", "".join(texts))


def truth(path: Path) -> tuple[list[str] | None, Counter[tuple[str, ...]]]:
    """The names of the clean counterpart, unless they were made up for a file without a header, and its rows."""
    clean = path.parents[1] / "clean" / path.name
    stated = json.loads((path.parents[1] / "parameters" / f"{path.name}_parameters.json").read_text("utf-8"))
    with clean.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    headed = int(stated["header_lines"]) > 0
    made_up = not headed and [name.strip() for name in rows[0]] == stated["column_names"]
    return [name.strip() for name in rows[0]] if headed else None, Counter(
        plain(row) for row in rows[headed or made_up :] if row
    )


def same_names(found: list[str], wanted: list[str]) -> bool:
    """Whether names agree but for those that the file leaves out, and numbers where one comes twice."""
    unnamed = [re.sub(r"^column_\d+$", "", name) for name in found]
    while len(unnamed) > len(wanted) and not unnamed[-1]:
        unnamed.pop()
    seen: Counter[str] = Counter(wanted)
    return len(unnamed) == len(wanted) and all(
        one == other or (seen[other] > 1 and re.fullmatch(rf"{re.escape(other)}_\d+", one))
        for one, other in zip(unnamed, wanted, strict=True)
    )


def is_true(refusal: tuple[int, str | None, str, str], found: Read) -> bool:
    """Whether a reason is true of the line, as Python's own strict reader of CSV and a look at the line tell."""
    _, column, reason, raw = refusal
    if counted := re.fullmatch(r"(\d+) values where (\d+) columns are expected", reason):
        (row,) = csv.reader([raw], delimiter=found.delimiter)
        return (len(row), len(found.names)) == (int(counted[1]), int(counted[2]))
    if reason.endswith(("text follows a closing quote", "a quote is not closed")):
        return column in found.names and any(_breaks(raw, found.delimiter, quote) for quote in "\"'")
    if reason == "holds no value, only delimiters":
        return not raw.strip(found.delimiter + ' "\r\n')
    if reason == "repeats the header":
        return [cell.strip() for cell in next(csv.reader([raw], delimiter=found.delimiter))] == found.names
    return reason in {"stands before the header", "stands above a repeated header"}


def _breaks(raw: str, delimiter: str, quote: str) -> bool:
    try:
        list(csv.reader([raw], delimiter=delimiter, quotechar=quote, strict=True))
    except csv.Error:
        return True
    return False


@pytest.mark.parametrize("kind", ["pollock-polluted", "pollock-survey-sample"])
def test_a_row_is_as_in_the_clean_file_or_refused_for_a_true_reason(shared, kind):
    limit = csv.field_size_limit(1 << 30)
    folder, differs = shared / "malformed-csv" / kind, {}
    files = [path for path in sorted((folder / "csv").iterdir()) if path.stat().st_size]
    for path in files:
        stated = json.loads((folder / "parameters" / f"{path.name}_parameters.json").read_text("utf-8"))
        found, (names, wanted) = read(path, stated["delimiter"] or ","), truth(path)
        assert [one for one in found.refused if not is_true(one, found)] == [], path.name
        missing, other = wanted - found.kept, found.kept - wanted
        refused = Counter(signs([raw]) for *_, raw in found.refused)
        lost = [row for row in missing if signs(row) not in refused]
        assert len(lost) == len(other), f"{path.name}: {lost[:3]}"
        renamed = names is not None and not same_names(found.names, names)
        told = (other.total(), missing.total() - len(lost), renamed)
        one_line = path.name.startswith("row_") and told[1] == 1  # it is the one that was damaged
        if any((told[0], told[1] and not one_line, renamed)):
            differs[path.name[:2] if kind == "pollock-survey-sample" else path.stem] = told
    csv.field_size_limit(limit)
    assert len(files) > 30
    assert differs == {name: told for name, told in DIFFERS.items() if name[:2].isdigit() == ("survey" in kind)}


def test_docs_tell_of_every_file_that_differs():
    docs = (Path(__file__).parents[4] / "docs" / "files.md").read_text("utf-8")
    first = [line.split("|")[1] for line in docs.splitlines() if line.startswith(("| `file_", "| survey"))]
    named = {name for cell in first for name in re.findall(r"file_\w+|\b\d\d\b", cell)}
    assert sorted(set(DIFFERS) - named) == []


#: `location_coordinates` is left out: its expected record has another telephone number than the file.
TRICKY = ("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf")


@pytest.mark.parametrize("name", [*TRICKY, "quotes_and_newlines", "simple", "simple_crlf", "utf8"])
def test_tricky_files_give_the_records_that_others_expect(shared, name):
    folder = shared / "malformed-csv" / "csv-spectrum"
    expected = json.loads((folder / "json" / f"{name}.json").read_text("utf-8"))
    found = read(folder / "csvs" / f"{name}.csv")
    rows = expected if isinstance(expected, list) else [expected]
    assert found.refused == []
    assert found.names == list(rows[0])
    assert found.kept == Counter(plain(map(str, row.values())) for row in rows)


@pytest.mark.parametrize(
    ("name", "delimiter", "reasons"),
    [
        ("airedale", ",", []),
        # One title has commas behind backslashes, in a file that otherwise has no backslash.
        ("imdb", ",", ["46 values where 44 columns are expected"]),
        ("milk", "\t", ["holds no value, only delimiters"]),
    ],
)
def test_examples_of_clevercsv_are_read_row_by_row(shared, name, delimiter, reasons):
    path = shared / "malformed-csv" / "clevercsv-examples" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.reader(handle, delimiter=delimiter) if row]
    found = read(path, delimiter)
    assert [reason for _, _, reason, _ in found.refused] == reasons
    assert all(is_true(one, found) for one in found.refused)
    assert found.kept.total() == len(rows) - 1 - len(reasons)
    assert found.kept - Counter(map(plain, rows)) == Counter()
