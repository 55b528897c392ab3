"""Spreadsheets: one sheet, its header in the first row behind `skip`; needs the extra ``excel``."""

from __future__ import annotations

import json
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
from millrace.sources.files.sheet_limits import check_workbook


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
        try:
            check_workbook(path)
        except zipfile.BadZipFile as error:
            raise _unreadable(path, str(error)) from error
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


def _unreadable(path: Path, why: str) -> SourceError:
    return SourceError(
        f"`{path.name}` cannot be read as a spreadsheet: {why}.",
        where=str(path),
        code="source.read",
        next_step="check that the file is complete and not protected by a password",
    )


KIND = SourceKind("excel", opener(records, typed=True), suffixes=(".xlsx", ".xlsm", ".xls"))
