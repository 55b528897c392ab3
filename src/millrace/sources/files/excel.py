"""Spreadsheets: one sheet, its header in the first row behind `skip`; needs the extra ``excel``.

A column without a name and without a value is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Look, SourceKind
from millrace.sources.files.converted import opener
from millrace.sources.files.dialect import distinct, numbered
from millrace.sources.files.workbook import cells, opened, text


def records(path: Path, settings: SourceSettings) -> Iterator[tuple[int, str]]:
    """The row of the sheet, and the record as JSON. Raises `SourceError` for a sheet that is absent or refused."""
    with opened(path) as book:
        rows = cells(book, settings.sheet or book.sheet_names[0], path)
    yield from _named(rows, settings, path)


def _named(rows: list[list[Any]], settings: SourceSettings, path: Path) -> Iterator[tuple[int, str]]:
    filled = [
        (number, row) for number, row in enumerate(rows, 1) if number > settings.skip and any(c != "" for c in row)
    ]
    if not filled:
        return
    width = len(filled[0][1])
    columns = list(range(width))
    if settings.names or settings.header is False:
        names = settings.names or numbered(width)
    else:
        columns = [column for column in columns if any(row[column] != "" for _, row in filled)]
        header = filled.pop(0)[1]
        names = distinct([text(header[column]) for column in columns])
    if len(names) != len(columns):
        raise SourceError(
            f"`names` has {len(names)} names, but the sheet of `{path.name}` has {width} columns.",
            where=str(path),
            code="source.names",
            next_step="give one name per column",
        )
    for number, row in filled:
        values = {name: _value(row[column]) for name, column in zip(names, columns, strict=True)}
        yield number, json.dumps(values, ensure_ascii=False)


def _value(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return None if cell == "" else cell


def _look(said: SourceSettings, folder: Path) -> Look:
    from millrace.sources.files.sheets import look

    return look(said, folder)


KIND = SourceKind("excel", opener(records, typed=True), suffixes=(".xlsx", ".xlsm", ".xls"), look=_look)
