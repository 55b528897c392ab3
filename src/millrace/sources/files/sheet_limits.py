"""What a spreadsheet may hold, checked before it is read: its reader would take memory for all that it states."""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Iterator
from pathlib import Path

from millrace.errors import SourceError
from millrace.sources.files.unpack import PIECE, check_archive

_COLUMNS = 16_384
#: Cells that a sheet may span: more would not fit into memory, however few of them hold something.
_CELLS = 50_000_000
#: The texts of all cells of a sheet in bytes, each as often as a cell refers to it.
_TEXTS = 1 << 30
#: The longest tag that is looked for over the border of two pieces.
_TAG = 512
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)((?:\s[^<>]*)?)/?>")
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']\$?([A-Za-z]*)\$?([0-9]+)["']""")
_SHARED = re.compile(rb"""\st\s*=\s*["']s["'][^<>]*>\s*<(?:\w+:)?v[^<>]*>\s*([0-9]+)""")
_END_OF_TEXT = re.compile(rb"</(?:\w+:)?si>|<(?:\w+:)?si\s*/>")


def check_workbook(path: Path) -> None:
    """Raise `SourceError` for a bomb, and for a sheet of more cells than a spreadsheet has or memory holds.

    Raises `zipfile.BadZipFile` where it is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive)
        names = archive.namelist()
        lengths = array("q")
        for name in names:
            if name.lower().endswith("sharedstrings.xml"):
                lengths.extend(_lengths(archive, name))
        for name in names:
            if name.startswith("xl/") and not name.lower().endswith("sharedstrings.xml"):
                _check_sheet(path, archive, name, lengths)


def _lengths(archive: zipfile.ZipFile, name: str) -> Iterator[int]:
    """How many bytes each shared text takes, tags included."""
    length = 0
    for text in _pieces(archive, name):
        at = 0
        for found in _END_OF_TEXT.finditer(text):
            yield length + found.end() - at
            length, at = 0, found.end()
        length += len(text) - at


def _check_sheet(path: Path, archive: zipfile.ZipFile, name: str, lengths: array[int]) -> None:
    widest = row = column = texts = 0
    for text in _pieces(archive, name):
        for tag, attributes in _ROW_OR_CELL.findall(text):
            reference = _REFERENCE.search(attributes)
            if tag == b"row":
                row, column = int(reference[2]) if reference else row + 1, 0
                continue
            column = _column(reference[1]) if reference and reference[1] else column + 1
            row = max(row, int(reference[2]) if reference else row)
            widest = max(widest, column)
        for index in map(int, _SHARED.findall(text)):
            texts += lengths[index] if index < len(lengths) else 0
        if widest > _COLUMNS or widest * row > _CELLS:
            raise _too_large(path, f"spans {widest:,} columns and {row:,} rows or more")
        if texts > _TEXTS:
            raise _too_large(path, f"holds more than {_TEXTS >> 20:,} MB of text, the same again and again")


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The content of a member, in pieces that begin with a tag, and so cut none that is not very long."""
    rest = b""
    with archive.open(name) as handle:
        while piece := handle.read(PIECE):
            text = rest + piece
            end = max(text.rfind(b"<", 0, -_TAG), 0) or len(text)
            yield text[:end]
            rest = text[end:]
    yield rest


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:8]:
        number = number * 26 + letter - 64
    return number


def _too_large(path: Path, what: str) -> SourceError:
    return SourceError(
        f"A sheet of `{path.name}` {what}.",
        where=str(path),
        code="source.sheet",
        allowed=[f"{_COLUMNS:,} columns", f"{_CELLS:,} cells", f"{_TEXTS >> 20:,} MB of text"],
        next_step="save the filled part of the sheet as CSV",
    )
