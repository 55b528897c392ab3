"""What DuckDB's table of rejected lines says, in plain words, with the line a person sees in an editor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import duckdb

from millrace.sources.base import Refusal
from millrace.sources.files.dialect import Dialect, opened
from millrace.sources.files.quoting import Quoting

#: DuckDB gives no more of a line than so many bytes.
_TEXT_LIMIT = 10_000
_ERRORS = """
    select line_byte_position, min(line), arg_min(error_type::varchar, column_idx), min(column_idx),
        any_value(csv_line), list(error_message)
    from reject_errors group by line_byte_position order by line_byte_position
"""


def rejects(connection: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect) -> Iterator[Refusal]:
    """The lines that the last reading on `connection` could not parse, once each, in order."""
    rows = connection.sql(_ERRORS).fetchall()
    lines = _line_numbers(path, dialect, [(row[0], row[1]) for row in rows])
    for (position, _, kind, column, text, messages), line in zip(rows, lines, strict=True):
        # DuckDB replaces what it cannot decode, and leaves out some lines with open quotes; they would be lost.
        undecoded = kind == "INVALID ENCODING" and dialect.encoding == "utf-8"
        cut = len(text or "") >= _TEXT_LIMIT
        raw = text if text and not undecoded and not cut else _line_at(path, position)
        name = dialect.names[column - 1] if 0 < column <= len(dialect.names) else None
        counted = kind not in {"MISSING COLUMNS", "TOO MANY COLUMNS"}
        reason = _reason(kind, name, len(dialect.names), messages)
        yield Refusal(line, name if counted else None, reason, raw.strip("\r\n"))


def locate(
    path: Path, dialect: Dialect, records: list[int], rejected: Mapping[int, int]
) -> dict[int, tuple[int | None, str]]:
    """Line and raw text of records that were parsed, by their ordinal from 0.

    `rejected` says at which lines rejected records start and how many lines each has. A slow walk over the file's
    lines, taken only where a parsed value does not fit its type.
    """
    wanted = set(records)
    found: dict[int, tuple[int | None, str]] = {}
    for ordinal, (line, raw) in enumerate(_records(path, dialect, rejected)):
        if ordinal in wanted:
            found[ordinal] = (line, raw)
        if len(found) == len(wanted):
            break
    return {record: found.get(record, (None, "")) for record in records}


def _records(path: Path, dialect: Dialect, rejected: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    """Every parsed record with the line it starts at; a record goes on while a quote is open."""
    pending = "" if dialect.header else None
    text, start, skip_to, opened_quote = "", 0, dialect.skip, False
    quoting = Quoting(dialect.delimiter, dialect.quote, dialect.escape)
    with opened(path) as binary:
        encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
        lines = TextIOWrapper(binary, encoding=encoding, errors="backslashreplace", newline="")
        for number, line in enumerate(lines, 1):
            if number <= skip_to or (not text and not line.strip("\r\n")):
                continue
            if not text and number in rejected:
                skip_to = number + rejected[number] - 1
                continue
            start = start if text else number
            text += line
            body = line.rstrip("\r\n").encode("utf-8", errors="surrogateescape")
            if opened_quote := quoting.scan(body, opened=opened_quote).state == "open":
                continue
            if pending is None:
                yield start, text.rstrip("\r\n")
            pending, text = None, ""


def _reason(kind: str, name: str | None, expected: int, messages: list[str]) -> str:
    counts = [int(m[1]) for message in messages if (m := re.search(r"Found: (\d+)", message))]
    if kind == "MISSING COLUMNS":
        return f"{min(counts)} values where {expected} columns are expected"
    if kind == "TOO MANY COLUMNS":
        return f"{max(counts)} values where {expected} columns are expected"
    where = f"{name}: " if name else ""
    if kind == "UNQUOTED VALUE":
        return f"{where}a quote is not closed, or text follows a closing quote"
    if kind == "INVALID ENCODING":
        return f"{where}bytes that the encoding does not have; state the `encoding` of the file"
    if kind == "LINE SIZE OVER MAXIMUM":
        return "the line is longer than 2 MB; a quote may not be closed"
    return f"{where}{messages[0]}"


def _line_numbers(path: Path, dialect: Dialect, places: list[tuple[int, int]]) -> list[int]:
    """The line at each byte position; DuckDB counts records, in which quoted values may hold line ends."""
    if not places or dialect.encoding != "utf-8":
        return [record for _, record in places]
    end = b"\r" if dialect.newline == r"\r" else b"\n"
    lines, line, at = [], 1, 0
    with opened(path) as handle:
        for position, _ in places:
            # Positions count from 1; one step back is the record's start, or the line end before it.
            while at < position - 1 and (piece := handle.read(min(1 << 20, position - 1 - at))):
                line += piece.count(end)
                at += len(piece)
            lines.append(line + _blank_lines(handle, at, end))
    return lines


def _blank_lines(handle: BinaryIO, at: int, end: bytes) -> int:
    """How many line ends follow a position; DuckDB may count them to the record behind them."""
    count = 0
    while (byte := handle.read(1)) in {b"\r", b"\n"}:
        count += byte == end
    handle.seek(at)
    return count


def _line_at(path: Path, position: int) -> str:
    """The line around a byte, with what is not UTF-8 as escapes; DuckDB's position is behind the line's start here.

    Blank lines before a line may count to it.
    """
    start = max(0, position - (1 << 16))
    with opened(path) as handle:
        handle.seek(start)
        before = handle.read(position - start)
        line = before[before.rfind(b"\n") + 1 :] + handle.readline()
        while not line.strip() and (behind := handle.readline()):
            line = behind
    return line.decode("utf-8", errors="backslashreplace")
