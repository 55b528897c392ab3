"""Workbooks as cells: opened only where it is safe, each sheet as rows of one length; needs the extra ``excel``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.errors import MissingExtraError, SourceError, nearest
from millrace.sources.files.sheet_limits import check_workbook

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook


@contextmanager
def opened(path: Path) -> Iterator[CalamineWorkbook]:
    """The workbook. Raises `SourceError` for one that is none, or that holds too much."""
    try:
        import python_calamine
    except ImportError as error:
        raise MissingExtraError(
            "Spreadsheets need the library `python-calamine`.",
            where="sources",
            next_step="pip install 'millrace[excel]'",
        ) from error
    try:
        if path.suffix.lower() != ".xls":
            check_workbook(path)
        yield python_calamine.CalamineWorkbook.from_path(path)
    except (zipfile.BadZipFile, python_calamine.CalamineError) as error:
        raise SourceError(
            f"`{path.name}` cannot be read as a spreadsheet: {error}.",
            where=str(path),
            code="source.read",
            next_step="check that the file is complete and not protected by a password",
        ) from error


def cells(book: CalamineWorkbook, sheet: str, path: Path) -> list[list[Any]]:
    """The rows of a sheet from its first one on, blank ones too. Raises `SourceError` for a sheet that is not there."""
    if sheet not in book.sheet_names:
        raise SourceError(
            f"`{path.name}` has no sheet `{sheet}`.",
            where=str(path),
            code="source.sheet",
            allowed=book.sheet_names,
            nearest=nearest(sheet, book.sheet_names),
        )
    return book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def text(cell: Any) -> str:
    """A cell as it reads: a whole number has no decimals."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
