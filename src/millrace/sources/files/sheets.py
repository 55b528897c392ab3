"""A first look at a workbook: which sheet holds the table, where its header stands, and what speaks for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError, UsageError
from millrace.sources.base import Look
from millrace.sources.files.dialect import distinct
from millrace.sources.files.layout import Layout, sheet_layout
from millrace.sources.files.source import place_of
from millrace.sources.files.workbook import cells, opened, text
from millrace.sources.proposing.looking import first_rows, from_line, source_name, word
from millrace.sources.proposing.yaml_text import flow, scalar

_WHERE = "millrace init"
#: So many rows are looked at to find the header.
_LAID_OUT = 1_000
#: So much of a title is shown, and so many titles.
_SHOWN, _TITLES = 40, 3
#: So many other sheets are named.
_OTHERS = 5


@dataclass(frozen=True, slots=True)
class Table:
    """The table in a sheet: `skip` rows stand above its first row, the header not among them unless `joined`.

    `joined` says that the names stand in several rows. `filled` are the cells of its rows that hold something, `above`
    the texts above its header. `below` has the first text of each row that is none of the table: totals and footnotes
    below it, headings of one value among its rows.
    """

    sheet: str
    skip: int
    joined: bool
    names: tuple[str, ...]
    rows: int
    filled: int
    above: tuple[str, ...]
    below: tuple[str, ...]
    #: Columns that every row has and none of the rows in `below`.
    full: tuple[str, ...]
    hidden: bool = False
    first: bool = True

    @property
    def size(self) -> str:
        """How many rows and columns it has, in words."""
        columns = sum(map(bool, self.names))
        size = f"{self.rows:,} row{'s' * (self.rows != 1)} of {columns:,} column{'s' * (columns != 1)}"
        return f"{size}, hidden" if self.hidden else size


def look(said: SourceSettings, folder: Path) -> Look:
    """The rows of the sheet with the largest table, or of the one that `table` names.

    Of a glob the first file is looked at. Raises `SourceError` where no sheet has a row.
    """
    if said.query:
        raise UsageError(f"`--query` asks a database, which `{said.from_}` is not.", where=_WHERE)
    place = place_of(said.from_, Path.cwd(), "init")
    files = place.files()
    with place.local(files[0]) as path:
        tables = found(path, said.table)
    if not tables:
        raise SourceError(f"`{said.from_}` has no rows to look at.", where="init", code="source.empty")
    chosen, *others = tables
    lines = [from_line(said.from_, folder)]
    if said.table or others or not chosen.first:
        # Each file of a glob may call its first sheet otherwise, as by its month.
        lines += _sheet(chosen, others, stated=bool(said.table) or len(files) == 1 or not chosen.first)
    lines += _header(chosen)
    settings = SourceSettings.model_validate(
        {
            "from": said.from_,
            "sheet": None if chosen.first else chosen.sheet,
            "skip": chosen.skip,
            "names": distinct(list(chosen.names)) if chosen.joined else (),
        }
    )
    name = (word(chosen.sheet) if said.table else "") or source_name(said.from_)
    return replace(
        first_rows(settings, said.from_, Path.cwd(), name, *lines), elsewhere=_elsewhere(said, chosen, others)
    )


def found(path: Path, sheet: str | None = None) -> list[Table]:
    """The tables of a workbook, one per sheet that has any, largest first; `sheet` alone where one is named.

    Hidden sheets and those of one column come last.
    """
    with opened(path) as book:
        from python_calamine import SheetVisibleEnum

        hidden = {one.name for one in book.sheets_metadata if one.visible != SheetVisibleEnum.Visible}
        tables = [
            replace(table, hidden=name in hidden, first=name == book.sheet_names[0])
            for name in ([sheet] if sheet else book.sheet_names)
            if (table := table_in(name, cells(book, name, path))) is not None
        ]
    return sorted(tables, key=lambda table: (table.hidden, len(table.names) < 2, -table.filled))


def table_in(sheet: str, rows: Sequence[Sequence[Any]]) -> Table | None:
    """The table in the rows of a sheet; None where it has no row.

    Examples
    --------
    >>> found = table_in("May", [["Sales", ""], ["", ""], ["day", "sold"], ["Mon", 3.0], ["Tue", 4.0], ["all", ""]])
    >>> found.skip, found.names, found.rows, found.above, found.below
    (2, ('day', 'sold'), 2, ('Sales',), ('all',))
    """
    width = len(rows[0]) if rows else 0
    used = [column for column in range(width) if any(row[column] != "" for row in rows)]
    texts = [[text(row[column]) for column in used] for row in rows[:_LAID_OUT]]
    layout = sheet_layout(texts) or _list_in(texts)
    if layout is None:
        return None
    header, above = texts[layout.header[0] - 1], texts[: layout.header[0] - 1]
    joined = layout.header[-1] != layout.skip or list(layout.names) != header
    names = dict(zip(used, layout.names, strict=True))
    body, odd = _parted([row for row in rows[layout.skip :] if any(cell != "" for cell in row)], len(used))
    if not body:
        return None
    return Table(
        sheet=sheet,
        skip=layout.skip if joined else layout.header[0] - 1,
        joined=joined,
        names=tuple(names.get(column, "") for column in range(width)) if joined else layout.names,
        rows=len(body),
        filled=sum(map(_filled, body)),
        above=tuple(cell for row in above for cell in row if cell),
        below=tuple(next(text(cell) for cell in row if cell != "") for row in odd),
        full=tuple(
            name
            for column, name in names.items()
            if name and all(row[column] != "" for row in body) and all(row[column] == "" for row in odd)
        ),
    )


def _parted(rows: Sequence[Sequence[Any]], columns: int) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
    """The rows of the table, and those with next to no values: behind it, or with one alone among its rows."""
    counts = [_filled(row) for row in rows]
    last = max((n for n, count in enumerate(counts) if 2 * count >= columns), default=-1)
    odd = {n for n, count in enumerate(counts) if n > last or count == 1 < columns}
    return [row for n, row in enumerate(rows) if n not in odd], [rows[n] for n in sorted(odd)]


def _filled(row: Sequence[Any]) -> int:
    return len(row) - row.count("")


def _list_in(texts: Sequence[Sequence[str]]) -> Layout | None:
    """The layout of one column, whose first cell has the name."""
    first = next((number for number, row in enumerate(texts, 1) if any(row)), None)
    if first is None:
        return None
    return Layout(first, first, range(first, first + 1), tuple(texts[first - 1]))


def _sheet(chosen: Table, others: Sequence[Table], *, stated: bool) -> list[str]:
    """The line of `sheet`, unless it is left to be the first of each file, and what else could have been chosen."""
    line = (
        f"    sheet: {scalar(chosen.sheet)}  # {chosen.size}" if stated else f"    # the first sheet has {chosen.size}"
    )
    if not others:
        return [line]
    rest = [f"{scalar(other.sheet)}, {other.size}" for other in others]
    more = f"; and {len(rest) - _OTHERS} more" if len(rest) > _OTHERS else ""
    return [
        f"{line}, the largest table of this workbook",
        f"    # other sheets: {'; '.join(rest[:_OTHERS])}{more}",
        "    # `millrace init … --sheet NAME` takes another one; several `--sheet` become a source each",
    ]


def _header(chosen: Table) -> list[str]:
    """The lines that say where the table begins, and which rows are none of it."""
    lines = []
    above = f"; above it: {_titles(chosen.above)}" if chosen.above else ""
    if chosen.joined:
        lines += [
            f"    skip: {chosen.skip}  # the header stands in several rows, down to row {chosen.skip}{above}",
            f"    names: {flow(distinct(list(chosen.names)))}  # what these rows say, one name per column",
        ]
    elif chosen.above:
        lines.append(f"    skip: {chosen.skip}  # the header stands in row {chosen.skip + 1}{above}")
    if chosen.below and chosen.full:
        count = f"{len(chosen.below):,} row{' has' if len(chosen.below) == 1 else 's have'} next to no values"
        lines.append(f"    required: {flow(chosen.full[:1])}  # {count}, to quarantine: {_titles(chosen.below)}")
    return lines


def _titles(texts: Sequence[str]) -> str:
    """Some texts, each cut where it is long."""
    cut = [text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…" for text in texts[:_TITLES]]
    return ", ".join(map(scalar, cut)) + (", …" if len(texts) > _TITLES else "")


def _elsewhere(said: SourceSettings, chosen: Table, others: Sequence[Table]) -> dict[str, SourceSettings]:
    """The columns that only other sheets have, with how these are asked for."""
    return {
        name: said.model_copy(update={"table": other.sheet})
        for other in reversed(others)
        for name in distinct(list(other.names))
        if name not in chosen.names
    }
