"""Spreadsheets: one sheet, its header in the first row behind `skip`; needs the extra ``excel``."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from millrace.config.schema import SourceSettings
from millrace.errors import MissingExtraError, SourceError, nearest
from millrace.sources.base import SourceKind
from millrace.sources.files.converted import opener
from millrace.sources.files.dialect import distinct, numbered
from millrace.sources.files.unpack import check_archive

_COLUMNS = 16_384
#: Cells that a sheet may span: more would not fit into memory, however few of them hold something.
_CELLS = 50_000_000
_REFERENCE = re.compile(rb'<c\s[^>]*?r="([A-Z]+)([0-9]+)"')
_PIECE = 1 << 20


def records(path: Path, settings: SourceSettings) -> Iterator[tuple[int, str]]:
    """The row of the sheet, and the record as JSON. Raises `SourceError` for a sheet that is absent or refused."""
    try:
        import python_calamine
    except ImportError as error:
        raise MissingExtraError(
            "Spreadsheets need the library `python-calamine`.",
            where="sources",
            next_step="pip install 'millrace[excel]'",
        ) from error
    if path.suffix.lower() != ".xls":
        _check(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        sheet = settings.sheet or book.sheet_names[0]
        if sheet not in book.sheet_names:
            raise SourceError(
                f"`{path.name}` has no sheet `{sheet}`.",
                where=str(path),
                code="source.sheet",
                allowed=book.sheet_names,
                nearest=nearest(sheet, book.sheet_names),
            )
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except python_calamine.CalamineError as error:
        raise _unreadable(path, str(error)) from error
    yield from _named(rows, settings, path)


def _named(rows: list[list[Any]], settings: SourceSettings, path: Path) -> Iterator[tuple[int, str]]:
    filled = [
        (number, row) for number, row in enumerate(rows, 1) if number > settings.skip and any(c != "" for c in row)
    ]
    if not filled:
        return
    width = len(filled[0][1])
    if settings.names or settings.header is False:
        names = settings.names or numbered(width)
    else:
        names, filled = distinct([str(cell).strip() for cell in filled[0][1]]), filled[1:]
    if len(names) != width:
        raise SourceError(
            f"`names` has {len(names)} names, but the sheet of `{path.name}` has {width} columns.",
            where=str(path),
            code="source.names",
            next_step="give one name per column",
        )
    for number, row in filled:
        values = {name: _value(cell) for name, cell in zip(names, row, strict=True)}
        yield number, json.dumps(values, ensure_ascii=False)


def _value(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return None if cell == "" else cell


def _check(path: Path) -> None:
    """Raise `SourceError` for a bomb, or a sheet that spans more cells than a spreadsheet has or memory holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(path, archive)
            for member in archive.namelist():
                if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                    _check_span(path, archive, member)
    except zipfile.BadZipFile as error:
        raise _unreadable(path, str(error)) from error


def _check_span(path: Path, archive: zipfile.ZipFile, member: str) -> None:
    columns = rows = 0
    rest = b""
    with archive.open(member) as handle:
        while piece := handle.read(_PIECE):
            text = rest + piece
            for letters, row in _REFERENCE.findall(text):
                columns, rows = max(columns, _column(letters)), max(rows, int(row))
            rest = text[-64:]
            if columns > _COLUMNS or columns * rows > _CELLS:
                raise SourceError(
                    f"A sheet of `{path.name}` spans {columns:,} columns and {rows:,} rows or more.",
                    where=str(path),
                    code="source.sheet",
                    allowed=[f"{_COLUMNS:,} columns", f"{_CELLS:,} cells"],
                    next_step="save the filled part of the sheet as CSV",
                )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:8]:
        number = number * 26 + letter - 64
    return number


def _unreadable(path: Path, why: str) -> SourceError:
    return SourceError(
        f"`{path.name}` cannot be read as a spreadsheet: {why}.",
        where=str(path),
        code="source.read",
        next_step="check that the file is complete and not protected by a password",
    )


KIND = SourceKind("excel", opener(records, typed=True), suffixes=(".xlsx", ".xlsm", ".xls"))
