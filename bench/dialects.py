"""In how many damaged or odd CSV files each reader finds the very rows that a person would, with nothing stated.

    python bench/dialects.py DATA     # DATA: a folder with csv/, clean/ and parameters/, or one that has such folders

The files are those of the Pollock benchmark (Vitagliano et al., PVLDB 2023), each with a clean counterpart. A file is
right when every row given is a row of the clean file and none is missing, but for one damaged line that may be left
out. CleverCSV joins when bench/.venv-peers has it. Leaves bench/results/dialects.json.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

HERE = Path(__file__).parent
PEER_PYTHON = HERE / ".venv-peers" / "bin" / "python"
Rows = Iterable[Sequence[Any]]
CLEVERCSV = """
import clevercsv, json, sys
path = sys.argv[1]
encoding = clevercsv.encoding.get_encoding(path)
with open(path, newline="", encoding=encoding) as handle:
    sample = handle.read(65_536)
    dialect = clevercsv.Sniffer().sniff(sample)
    handle.seek(0)
    rows = list(clevercsv.reader(handle, dialect))
headed = clevercsv.Sniffer().has_header(sample)
json.dump([row for row in rows[headed:] if row], sys.stdout)
"""


def millrace(path: Path) -> Rows:
    """The rows that Millrace keeps; what it refuses is no row."""
    from millrace.config.schema import SourceSettings
    from millrace.sources.files.delimited import DelimitedFormat
    from millrace.sources.files.source import FileSource

    def source(schema: Any) -> FileSource:
        return FileSource("s", SourceSettings(**{"from": path.name}), path.parent, schema, DelimitedFormat)

    texts = dict.fromkeys(source(None).schema(), "text")
    return [row for batch in source(texts).batches(None) for row in batch.frame.rows()]


def with_duckdb(path: Path) -> Rows:
    """The rows of DuckDB's sniffer, errors left out."""
    return duckdb.sql(f"from read_csv('{path}', all_varchar=true, ignore_errors=true)").fetchall()


def with_polars(path: Path) -> Rows:
    """The rows of Polars as it reads a file by itself, ragged lines cut."""
    return pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True, ignore_errors=True).rows()


def clevercsv(path: Path) -> Rows:
    """The rows by the dialect that CleverCSV finds, in its own Python."""
    done = subprocess.run([PEER_PYTHON, "-c", CLEVERCSV, path], capture_output=True, check=True, timeout=120)
    rows: list[list[str]] = json.loads(done.stdout)
    return rows


def plain(row: Sequence[Any]) -> tuple[str, ...]:
    """A row without what clean files change: line ends, blanks, and empty values at its end."""
    values = [str(value or "").strip().replace("\r\n", "\n") for value in row]
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def truth(path: Path) -> Counter[tuple[str, ...]]:
    """The rows of the clean counterpart, without its header."""
    stated = json.loads((path.parents[1] / "parameters" / f"{path.name}_parameters.json").read_text("utf-8"))
    with (path.parents[1] / "clean" / path.name).open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.reader(handle) if row]
    headed = int(stated["header_lines"]) > 0 or [name.strip() for name in rows[0]] == stated["column_names"]
    return Counter(map(plain, rows[headed:]))


def right(found: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]], path: Path) -> bool:
    """Whether the rows are those of the clean file; the one that was damaged may be missing."""
    return not (found - wanted) and (wanted - found).total() <= int(path.name.startswith("row_"))


def main(data: Path) -> None:
    """Read every file with every reader, print the table."""
    csv.field_size_limit(1 << 30)
    readers: dict[str, Callable[[Path], Rows]] = {"Millrace": millrace, "DuckDB": with_duckdb, "Polars": with_polars}
    if PEER_PYTHON.exists() and not subprocess.call([PEER_PYTHON, "-c", "import clevercsv"], stderr=subprocess.DEVNULL):
        readers["CleverCSV"] = clevercsv
    else:
        print("CleverCSV is left out: bench/.venv-peers has none")
    files = [path for path in sorted(data.rglob("csv/*")) if path.stat().st_size and not path.is_dir()]
    files = [path for path in files if (path.parents[1] / "clean").is_dir()]
    kinds = sorted({path.parents[1].name for path in files})
    found: dict[str, dict[str, int]] = {name: dict.fromkeys(kinds, 0) for name in readers}
    rows: dict[str, list[float]] = {name: [] for name in readers}
    for path in files:
        wanted = truth(path)
        for name, reader in readers.items():
            given: Counter[tuple[str, ...]] = Counter()
            with suppress(Exception):
                given = Counter(one for row in reader(path) if (one := plain(row)))
            found[name][path.parents[1].name] += right(given, wanted, path)
            rows[name].append(2 * (given & wanted).total() / max(1, given.total() + wanted.total()))
    totals = {kind: sum(path.parents[1].name == kind for path in files) for kind in kinds}
    print(f"{'':12}" + "".join(f"{kind} ({totals[kind]})".rjust(32) for kind in kinds) + "  rows right, mean (F1)")
    for name, counts in found.items():
        print(f"{name:12}" + "".join(f"{counts[kind]:32}" for kind in kinds) + f"{sum(rows[name]) / len(files):10.3f}")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "dialects.json").write_text(json.dumps({"files": totals, "right": found}, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("which data? python bench/dialects.py ../shared/data/malformed-csv")
    main(Path(sys.argv[1]))
