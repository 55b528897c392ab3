"""Where the table of a delimited file begins: which lines stand above it, and which one is its header.

Looks at the first lines only and speaks up only where it has evidence: a line of texts over columns of numbers, dates
or times, an empty line below titles, or a header that is one name short. Otherwise it answers None.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import takewhile
from statistics import median
from typing import Any

#: Numbers (with a currency, thousands, a percent sign), dates and times, as far as their shape tells.
_TYPED = re.compile(
    r"[-+(]?\s*[$€£¥]?\s*[-+]?(\d[\d.,' ]*|[.,]\d+)([eE][-+]?\d+)?\s*[%)]?"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?"
    r"|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?"
)
_MISSING = frozenset({"", "-", "--", ".", "?", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL"})
#: A table that begins further down is not looked for.
_DEEPEST = 200
_ABOUT = 0.8
#: A second header line is one only above at least this many rows of typed values.
_ROWS_BELOW_UNITS = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """The names as they are written, one per column, and the lines of the header among the first `skip` lines.

    Words that stand above or below some names only, the first not among them, belong to these names.
    `records` are the records in those lines, empty ones too; a record may span lines.
    """

    skip: int
    records: int
    header: range
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """The stripped cells of a record, its number and lines, and whether an empty line stands above it."""

    cells: tuple[str, ...]
    number: int
    lines: range
    parted: bool

    @property
    def filled(self) -> int:
        return sum(map(bool, self.cells))

    @property
    def title(self) -> bool:
        """Whether it has next to no cells: a title, a footnote, a line of delimiters. `,name` may be a header."""
        if len(self.cells) == 2:
            return not self.cells[1]
        return self.filled <= 1 or 2 * self.filled < len(self.cells)


def layout(head: str, whole: bool, delimiter: str, quote: str, escape: str) -> Layout | None:
    r"""Where the table in `head` begins; None where nothing speaks for one place. `whole` says that no more follows.

    Examples
    --------
    >>> found = layout("Report\n,,\nday,n,x\n1,2,3\n4,5,6\n", True, ",", '"', '"')
    >>> found.skip, list(found.header), found.names
    (3, [3], ('day', 'n', 'x'))
    """
    records = _records(head, whole, delimiter, quote, escape)
    width = _width(records)
    if width < 2:
        return None
    records = [_without_last_delimiter(record, width) for record in records]
    first = _first_full(records, width)
    if first is None:
        return None
    return _headed(records, first + _counts_over_names(records[first:])) or _short(records, first)


def sheet_layout(rows: Sequence[Sequence[str]]) -> Layout | None:
    """Where the table in the rows of a sheet begins, all of one length; None where no row is like one of a table.

    Where nothing else speaks for one place, the header is the first row with about as many cells as most rows have.

    Examples
    --------
    >>> found = sheet_layout([["Report", ""], ["", ""], ["name", "since"], ["Ann", "May"], ["Bob", "June"]])
    >>> found.skip, found.names
    (3, ('name', 'since'))
    """
    stripped = [tuple(cell.strip() for cell in row) for row in rows]
    records = [
        _Record(cells, number, range(number, number + 1), number > 1 and not any(stripped[number - 2]))
        for number, cells in enumerate(stripped, 1)
        if any(cells)
    ]
    records = _without_letterhead(records)
    first = _first_full(records, len(rows[0]) if rows else 0)
    if first is None:
        return None
    header = records[first]
    return _headed(records, first + _counts_over_names(records[first:])) or Layout(
        header.number, header.number, header.lines, header.cells
    )


def _without_letterhead(records: list[_Record]) -> list[_Record]:
    """The records without leading ones that are fuller than a title, such as `Customer, Ann, Date, 1 May`."""
    usual = median([record.filled for record in records if not record.title] or [0])
    while end := next((n for n, record in enumerate(records[:_DEEPEST]) if n and record.parted), 0):
        if any(record.filled >= usual for record in records[:end]) or _names(records[end - 1 : end + 1], usual):
            break
        records = records[end:]
    # Words over some of the names leave the first column empty.
    begun = (
        n
        for n, record in enumerate(records)
        if record.filled >= _ABOUT * usual or not record.cells[0] or _names(records[n : n + 2], usual)
    )
    return records[next(begun, 0) :]


def _names(records: Sequence[_Record], usual: float) -> bool:
    """Whether the first of two records may be a header that lacks some names: a row with typed values follows."""
    return (
        len(records) == 2
        and not records[0].title
        and records[1].filled >= _ABOUT * usual
        and any(map(_typed, records[1].cells))
    )


def _first_full(records: Sequence[_Record], width: int) -> int | None:
    """The first record that may be a row or a header."""
    full = (n for n, record in enumerate(records[:_DEEPEST]) if len(record.cells) == width and not record.title)
    return next(full, None)


def _counts_over_names(records: Sequence[_Record]) -> bool:
    """Whether the first record is of years or numbers over some of the names that the second one has."""
    line, names = records[0].cells, records[1].cells if len(records) > 1 else ()
    return not line[0] and any(map(_typed, line)) and len(names) == len(line) and not any(map(_typed, names))


def as_csv(delimiter: str, quote: str, escape: str) -> dict[str, Any]:
    """How Python's `csv` says that values are written so."""
    own = None if escape == quote else escape
    return {"delimiter": delimiter, "quotechar": quote, "doublequote": own is None, "escapechar": own}


def _width(records: Sequence[_Record]) -> int:
    """The most frequent number of cells; the greater one of two that are about as frequent."""
    widths = Counter(len(record.cells) for record in records)
    most = max(widths.values(), default=0)
    return max((width for width, count in widths.items() if count >= _ABOUT * most), default=0)


def _records(head: str, whole: bool, delimiter: str, quote: str, escape: str) -> list[_Record]:
    """The records that are no empty lines; the last one of a part may be cut, and is left out."""
    reader = csv.reader(StringIO(head, newline=""), **as_csv(delimiter, quote, escape))
    found, before, parted = [], 0, False
    try:
        for number, cells in enumerate(reader, 1):
            if any(cells) or len(cells) > 1:
                lines = range(before + 1, reader.line_num + 1)
                found.append(_Record(tuple(cell.strip() for cell in cells), number, lines, parted))
            parted = not any(cells)
            before = reader.line_num
    except csv.Error:
        return []
    return found if whole else found[:-1]


def _without_last_delimiter(record: _Record, width: int) -> _Record:
    """A header may end in a delimiter that the rows do not have."""
    if len(record.cells) == width + 1 and not record.cells[-1] and record.filled == width:
        return replace(record, cells=record.cells[:-1])
    return record


def _headed(records: Sequence[_Record], first: int) -> Layout | None:
    """The layout of a table whose first full line is its header: by typed columns below, or by a gap above."""
    header = records[first]
    if any(map(_typed, header.cells)):
        return None
    width = len(header.cells)
    below = [record for record in records[first + 1 :] if len(record.cells) == width and record.cells != header.cells]
    words, more = [header], list[_Record]()
    while below and _continues(below, width):
        more.append(below.pop(0))
    words += takewhile(lambda record: record.title, more)
    words[:0] = _words_above(records[: first + 1], width)
    last = (more or words)[-1]
    typed = _typed_columns(below, width)
    if any(header.cells[column] in _MISSING for column in typed):
        return None
    parted = first > 0 and header.parted and header.filled == width
    if not typed and not parted:
        return None
    names = tuple(" ".join(filter(None, cells)) for cells in zip(*(record.cells for record in words), strict=True))
    return Layout(last.lines[-1], last.number, range(words[0].lines[0], words[-1].lines[-1] + 1), names)


def _words_above(records: Sequence[_Record], width: int) -> list[_Record]:
    """The lines right above the last record with words over some of its cells, as no title has."""
    above = list[_Record]()
    for record, below in zip(records[-2::-1], records[:0:-1], strict=True):
        if below.parted or len(record.cells) != width or record.cells[0] or record.filled < 2:
            break
        above.insert(0, record)
    return above


def _continues(below: Sequence[_Record], width: int) -> bool:
    """Whether the first record below a header still belongs to it: units, or words under some of its names."""
    line, rows = below[0], below[1:]
    if len(rows) < _ROWS_BELOW_UNITS or not line.filled or any(map(_typed, line.cells)):
        return False
    typed = _typed_columns(rows, width)
    if line.filled == width:
        return len(typed) == width
    within = {column for column, cell in enumerate(line.cells) if cell}
    return line.title and not line.cells[0] and within <= typed


def _short(records: Sequence[_Record], first: int) -> Layout | None:
    """The layout of a table whose header is one name short, as R and pandas write one above their row names."""
    rows = [record.cells for record in records[first:]]
    width = len(rows[0])
    if not first or width < 3:
        return None
    header = records[first - 1]
    if len(header.cells) != width - 1 or header.filled < width - 1 or any(map(_typed, header.cells)):
        return None
    rows = [cells for cells in rows if len(cells) in {width - 1, width}]
    if any(len(cells) < width for cells in rows):
        return None
    if not any(cells[-1] for cells in rows):
        return Layout(header.lines[-1], header.number, header.lines, (*header.cells, ""))
    return Layout(header.lines[-1], header.number, header.lines, ("", *header.cells)) if len(rows) > 1 else None


def _typed_columns(records: Sequence[_Record], width: int) -> set[int]:
    """The columns whose values all have the shape of numbers, dates or times."""
    rows = [record.cells for record in records if not record.title]
    columns = {column: [row[column] for row in rows if row[column] not in _MISSING] for column in range(width)}
    return {column for column, cells in columns.items() if cells and all(map(_typed, cells))}


def _typed(cell: str) -> bool:
    return _TYPED.fullmatch(cell) is not None
