"""How a delimited file is written: delimiter, quote, header, encoding; sniffed, with stated settings first."""

from __future__ import annotations

import csv
import gzip
import re
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import duckdb

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources.column_names import MOST_COLUMNS
from millrace.sources.files.layout import as_csv, layout
from millrace.sources.streaming import quoted

#: Endings of delimited text; files with other endings are looked at before they are trusted to be text.
SUFFIXES = (".csv", ".tsv", ".tab", ".psv", ".txt")

_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEAD = 65_536
_LINE_END = re.compile(r"\r\n|\r|\n")
#: DuckDB refuses longer ones, one by one; of a file that begins so, nothing can be read.
_LONGEST_LINE = 2_000_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of one file, and the names of its columns; `skip` lines stand before the header or the first row.

    `skipped` are the records in those lines, empty ones too: what the reader of the rows skips.
    Where the table is found by its layout, the header's own lines are among those skipped, and `above` says which.
    `labels` are the names as the header writes them; there are none without a header.
    """

    delimiter: str
    quote: str
    escape: str
    newline: str
    encoding: str
    skip: int
    header: bool
    names: tuple[str, ...]
    skipped: int
    labels: tuple[str, ...] = ()
    above: range = range(0)


def sniff(
    path: Path, settings: SourceSettings, expected: tuple[str, ...] | None, engine: duckdb.DuckDBPyConnection
) -> Dialect | None:
    """The dialect of a file; None when the file is empty.

    `expected` are the names the source already has: they decide whether a first line is a header. Raises
    `SourceError` when no dialect fits, or when `names` has another length than a row.
    """
    encoding = _encoding(path)
    head = _head(path, encoding)
    if not head.strip():
        return None
    _check_text(path, head)
    _check_first_line(path, encoding, settings)
    stated = _stated_skip(head, settings)
    found = _sniffed(path, head, settings, encoding, stated, engine)
    delimiter = settings.delimiter or str(found["Delimiter"])
    quote = settings.quote or _quote(str(found["Quote"]), head, delimiter)
    escape = settings.escape or (quote if settings.quote else _escape(str(found["Escape"]), quote, head))
    skip = stated or int(str(found["SkipRows"]))
    first = _fields(head, skip, delimiter, quote, escape)
    header = _has_header(settings, bool(found["HasHeader"]), first, expected)
    dialect = Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        newline=str(found["NewLineDelimiter"]),
        encoding=encoding,
        skip=skip,
        header=header,
        names=_names(path, settings, header, first),
        skipped=skip,
        labels=tuple(first) if header else (),
    )
    return _laid_out(dialect, head, settings, expected)


def _laid_out(dialect: Dialect, head: str, settings: SourceSettings, expected: tuple[str, ...] | None) -> Dialect:
    """`dialect` with the header where the layout of the lines has it, unless settings or a known schema say more."""
    stated = settings.skip or settings.header is not None or settings.names
    if stated or (expected and expected == numbered(len(expected))):
        return dialect
    found = layout(head, len(head) < _HEAD, dialect.delimiter, dialect.quote, dialect.escape)
    if found is None or (found.names == dialect.labels and found.skip == found.header[-1]):
        return dialect
    return replace(
        dialect,
        skip=found.skip,
        skipped=found.records,
        header=False,
        names=distinct(list(found.names)),
        labels=found.names,
        above=found.header,
    )


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, decompressed."""
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _check_text(path: Path, head: str) -> None:
    """Raise `SourceError` for a file of an unknown ending that is plainly something else."""
    if any(path.name.lower().removesuffix(".gz").endswith(suffix) for suffix in SUFFIXES):
        return
    if "\0" not in head and head.lstrip()[0] not in "[{<":
        return
    raise SourceError(
        f"`{path.name}` is not delimited text.",
        where=str(path),
        code="source.format",
        allowed=[*SUFFIXES, "other endings where the content is delimited text"],
        next_step="convert the file to CSV, JSON lines (.ndjson) or Parquet, or install a kind that reads it",
    )


def _check_first_line(path: Path, encoding: str, settings: SourceSettings) -> None:
    """Raise `SourceError` for a file whose first line is too long for a table, before anything reads it whole."""
    with opened(path) as handle:
        start = handle.read(_LONGEST_LINE).decode(encoding, errors="replace").lstrip("\ufeff\r\n")
    line = re.split("[\r\n]", start, maxsplit=1)[0]
    columns = 1 + max(line.count(sign) for sign in ([settings.delimiter] if settings.delimiter else ",;\t|"))
    if columns > MOST_COLUMNS:
        seen, code = f"The first line has {columns:,} columns; a table has at most {MOST_COLUMNS:,}.", "source.columns"
    elif line == start and len(start) > _LONGEST_LINE // 4:
        seen, code = f"The first line is longer than {len(start) / 1e6:.1f} million characters.", "source.format"
    else:
        return
    raise SourceError(
        seen, where=str(path), code=code, next_step="look at the file: it may lack line ends, or be no table"
    )


def _encoding(path: Path) -> str:
    with opened(path) as handle:
        start = handle.read(2)
    return next((name for mark, name in _BOMS if start == mark), "utf-8")


def _head(path: Path, encoding: str) -> str:
    with opened(path) as handle:
        return handle.read(_HEAD).decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")


def _stated_skip(head: str, settings: SourceSettings) -> int:
    """The lines to skip, with the blank ones behind them: the sniffer takes a blank line for the header."""
    if not settings.skip and settings.comment is None:
        return 0
    lines = _LINE_END.split(head)
    return next((n for n, line in enumerate(lines) if n >= settings.skip and line.strip()), settings.skip)


def _sniffed(
    path: Path, head: str, settings: SourceSettings, encoding: str, skip: int, engine: duckdb.DuckDBPyConnection
) -> dict[str, Any]:
    """What DuckDB's sniffer finds, with stated settings first.

    A title above the table makes every file look like one column where errors are tolerated; then a sniffing that
    tolerates none has the second word. Where line ends of several kinds stop it, it looks at the first lines with one.
    """
    options = ["all_varchar=true", "comment=''"]
    stated = {"delim": settings.delimiter, "quote": settings.quote, "escape": settings.escape}
    options += [f"{name}={quoted(sign)}" for name, sign in stated.items() if sign]
    options += [f"skip={skip}"] if skip else []
    options += [f"header={str(settings.header).lower()}"] if settings.header is not None else []
    here = [quoted(str(path)), f"encoding={quoted(encoding)}", *options]
    with engine.cursor() as connection:
        try:
            found = _sniff(connection, [*here, "ignore_errors=true"])
        except duckdb.Error as error:
            found = _sniffed_evenly(connection, path, head, options, error)
        if settings.delimiter or len(found["Columns"]) > 1:
            return found
        with suppress(duckdb.Error):
            strict = _sniff(connection, here)
            return strict if len(strict["Columns"]) > 1 else found
    return found


def _sniffed_evenly(
    connection: duckdb.DuckDBPyConnection, path: Path, head: str, options: list[str], error: duckdb.Error
) -> dict[str, Any]:
    """The same of the first lines, with the line end that is the most frequent there as the only one."""
    ends = Counter(_LINE_END.findall(head))
    end = max(ends, key=ends.__getitem__, default="\n")
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder:
        copy = Path(folder) / "head.csv"
        copy.write_text(_LINE_END.sub("\n", head), encoding="utf-8", errors="replace", newline="")
        try:
            found = _sniff(connection, [quoted(str(copy)), *options, "ignore_errors=true"])
        except duckdb.Error:
            raise SourceError(
                f"The dialect of `{path.name}` is not recognised: {str(error).splitlines()[0]}",
                where=str(path),
                code="source.dialect",
                next_step="state `delimiter` and `header` in the project file",
            ) from error
    return found | {"NewLineDelimiter": end.replace("\r", r"\r").replace("\n", r"\n")}


def _sniff(connection: duckdb.DuckDBPyConnection, options: list[str]) -> dict[str, Any]:
    result = connection.sql(f"from sniff_csv({', '.join(options)})")
    return dict(zip(result.columns, result.fetchall()[0], strict=True))


def _quote(found: str, head: str, delimiter: str) -> str:
    """The quote that the sniffer found, or else the one that more often opens and closes values."""
    if found != "(empty)":
        return found
    opened = {q: head.count(delimiter + q) + head.count("\n" + q) for q in ('"', "'")}
    closed = {q: head.count(q + delimiter) + head.count(q + "\n") for q in ('"', "'")}
    return "'" if min(opened["'"], closed["'"]) > min(opened['"'], closed['"']) else '"'


def _escape(found: str, quote: str, head: str) -> str:
    """The escape that the sniffer found, or else the quote; `"` where `'` quotes and every `"` stands doubled."""
    runs = re.findall('"+', head)
    if quote == "'" and found in {"(empty)", quote} and len(runs) > 1 and all(len(run) % 2 == 0 for run in runs):
        return '"'
    return quote if found == "(empty)" else found


def _fields(head: str, skip: int, delimiter: str, quote: str, escape: str) -> list[str]:
    lines = islice(StringIO(head, newline=""), skip, None)
    rows = csv.reader(lines, **as_csv(delimiter, quote, escape))
    return [field.strip() for field in next((row for row in rows if row), [])]


def _has_header(settings: SourceSettings, sniffed: bool, first: list[str], expected: tuple[str, ...] | None) -> bool:
    if settings.header is not None:
        return settings.header
    if settings.names:
        return False
    if expected is None:
        return sniffed
    if 2 * len(set(first) & set(expected)) > len(expected):
        return True
    return sniffed and expected != numbered(len(expected))


def _names(path: Path, settings: SourceSettings, header: bool, first: list[str]) -> tuple[str, ...]:
    if settings.names:
        if len(settings.names) != len(first):
            raise SourceError(
                f"`names` has {len(settings.names)} names, but the first row of `{path.name}` has {len(first)} values.",
                where=str(path),
                code="source.names",
                next_step="give one name per column",
            )
        return settings.names
    return distinct(first) if header else numbered(len(first))


def numbered(count: int) -> tuple[str, ...]:
    """The names of columns that have none: ``column_1``, ``column_2``, …."""
    return tuple(f"column_{index}" for index in range(1, count + 1))


def distinct(first: list[str]) -> tuple[str, ...]:
    """The header's names, each once: a repeated one gets a number, an absent one its place."""
    names: list[str] = []
    for index, field in enumerate(first, 1):
        name, number = field or f"column_{index}", 1
        while name in names:
            number += 1
            name = f"{field or 'column'}_{number}"
        names.append(name)
    return tuple(names)
