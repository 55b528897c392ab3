"""The report on data: one HTML file with a picture of every column, what goes together, and what to look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from html import escape
from typing import NamedTuple

import polars as pl

from millrace import __version__
from millrace.evaluate.charts.figure import Figure
from millrace.evaluate.page import figures, items, page, section, table, words
from millrace.explore import details
from millrace.explore.associations import Associations, associate, nearest_to
from millrace.explore.charts import closest_pairs, distribution, scatters, together
from millrace.explore.columns import Column, as_value, summarise
from millrace.explore.measures import measure
from millrace.explore.missing import patterns
from millrace.explore.missing import together as absence
from millrace.explore.suggested import NOTE, as_table, suggested
from millrace.explore.warnings import warnings
from millrace.profile.api import drift

#: More pictures than this are no overview; the columns closest to the target come first.
_PICTURES = 40
_FIELD = 16
_PAIRED = 5
_PAIRS = 15
_MEASURED = 100_000
#: Rows that distributions are drawn from: more would change no bar by a visible length.
_DRAWN = 200_000


class Changed(NamedTuple):
    """Earlier rows and newer ones, and what they are."""

    before: pl.DataFrame
    now: pl.DataFrame
    note: str = "The rows of the newest ingest against those before it."


def explore(
    frame: pl.DataFrame,
    *,
    title: str,
    target: str | None,
    changed: Changed | None,
    tell: Callable[[str], None],
    files: Mapping[str, pl.DataFrame] | None = None,
    known: Collection[str] = (),
) -> tuple[str, tuple[str, ...]]:
    """Give the page as HTML text, and its warnings.

    Parameters
    ----------
    frame
        The rows, as they rest in a table.
    target
        The column that is predicted: distributions are shown by its classes, columns ranked by closeness to it.
    changed
        Earlier rows and newer ones with the same columns: the page says how they differ, where both are given.
    tell
        Called with what is being done, for a progress bar.
    files
        Rows of each file by its name, where there are several: the page says which of them is unlike the others.
    known
        The checks that are made already, as SQL; others that the rows suggest are told.
    """
    tell("summarising the columns")
    columns = summarise(frame)
    tell("comparing every pair of columns")
    found = associate(frame, columns)
    goal = next((column for column in columns if column.name == target), None)
    closeness = nearest_to(target, found) if target else {}
    ranked = sorted(columns, key=lambda column: -closeness.get(column.name, 0.0))
    repeated = frame.height - frame.n_unique()
    said = warnings(columns, found, repeated, target)
    tell("drawing")
    shown = [column for column in ranked if not column.constant and column.kind != "text"]
    shown.sort(key=lambda column: column is not goal)
    drawn = frame.sample(_DRAWN, seed=0) if frame.height > _DRAWN else frame
    pictures = [distribution(drawn, column, goal, closeness.get(column.name, 0.0)) for column in shown[:_PICTURES]]
    holes = patterns(frame)
    body = "".join(
        (
            section("What to look at", items([words(sentence) for sentence in said])),
            section("What changed", _changes(changed), note=changed.note if changed else ""),
            section("Files", _files(files or {}), note="Each file against all the others."),
            section("Columns", _columns(columns, closeness)),
            section("Distributions", figures(pictures), note=_left_out(len(shown))),
            section("Missing", figures(one for one in (absence(holes),) if one is not None)),
            section("Outliers", details.outliers(frame, columns), note=details.OUTLIERS),
            section("Texts", details.written(frame, columns)),
            section("Dates", details.dated(frame, columns)),
            section("Duplicates", details.duplicates(frame, repeated)),
            section("Checks", as_table(suggested(frame, target, known)), note=NOTE),
            section("Together", figures(_together(frame, found, columns, goal)), _measured(frame, found, columns)),
        )
    )
    header = (
        f'<p class="kicker">Data report</p><h1>{escape(title)}</h1>'
        f'<p class="lead">{frame.height:,} rows, {len(columns)} columns, {repeated:,} repeated rows, '
        f"{_share_missing(columns):.1%} of all values missing.</p>"
    )
    return page(f"{title}: data", header, body, f"<p>Millrace {__version__}</p>"), said


def _columns(columns: tuple[Column, ...], near: Mapping[str, float]) -> str:
    rows = [
        (
            f"`{column.name}`",
            column.kind,
            f"{column.missing:,}",
            f"{column.distinct:,}",
            _range(column),
            f"{near[column.name]:.2f}" if column.name in near else "",
        )
        for column in columns
    ]
    heads = ("column", "kind", "missing", "different", "range or most frequent", "closeness")
    return table(heads, rows, numbers=frozenset({2, 3, 5}))


def _range(column: Column) -> str:
    if column.low is not None and column.high is not None:
        return f"{as_value(column, column.low)} to {as_value(column, column.high)}"
    return ", ".join(value[:24] for value, _ in column.top[:3])


def _together(
    frame: pl.DataFrame, found: Associations, columns: tuple[Column, ...], goal: Column | None
) -> list[Figure]:
    """The field of all pairs, and the closest pairs of numbers as points."""
    drawn: list[Figure] = [together(found, _FIELD)] if len(found.names) > 1 else []
    numbers = {one.name: one for one in columns if one.kind == "number" and one is not goal and not one.constant}
    pairs = closest_pairs(found, list(numbers))[:_PAIRED]
    return drawn + list(scatters(frame, [(numbers[one], numbers[other]) for _, one, other in pairs], goal))


def _measured(frame: pl.DataFrame, found: Associations, columns: tuple[Column, ...]) -> str:
    """The closest pairs by the measure that is usual for what they hold."""
    rows = frame.sample(_MEASURED, seed=0) if frame.height > _MEASURED else frame
    by_name = {column.name: column for column in columns}
    told = []
    for closeness, one, other in closest_pairs(found, found.names)[:_PAIRS]:
        name, value = measure(rows, by_name[one], by_name[other], closeness)
        told.append((f"`{one}` and `{other}`", f"{closeness:.2f}", name, f"{value:.2f}"))
    heads, numbers = ("pair", "closeness", "measure", "value"), frozenset({1, 3})
    return table(heads, told, numbers=numbers, caption="The closest pairs.") if told else ""


def _files(files: Mapping[str, pl.DataFrame]) -> str:
    """A row for each of several files: how many rows, how much is missing, what is unlike the others."""
    if len(files) < 2:
        return ""
    rows = []
    for name, own in files.items():
        rest = pl.concat([frame for other, frame in files.items() if other != name])
        moved = [one for one in drift(rest, own).columns.values() if one.alarmed]
        moved.sort(key=lambda one: -one.effect)
        unlike = ", ".join(f"`{one.column}` ({one.effect:.2f})" for one in moved[:3])
        absent = sum(own.null_count().row(0)) / max(own.height * own.width, 1)
        rows.append((f"`{name}`", f"{own.height:,}", f"{absent:.1%}", unlike or "nothing"))
    heads = ("file", "rows looked at", "missing", "unlike the others (distance)")
    return table(heads, rows, numbers=frozenset({1, 2}))


def _changes(changed: Changed | None) -> str:
    if changed is None:
        return ""
    found = drift(changed.before, changed.now)
    moved = [column for column in found.columns.values() if column.alarmed]
    rows = [(f"`{column.column}`", f"{column.effect:.3f}", column.alarms[0].evidence) for column in moved]
    said = f"<p>{words(found.verdict)}</p>"
    return said + (table(("column", "distance", "evidence"), rows, numbers=frozenset({1})) if rows else "")


def _left_out(count: int) -> str:
    return f"The {_PICTURES} columns closest to the target, of {count}." if count > _PICTURES else ""


def _share_missing(columns: tuple[Column, ...]) -> float:
    cells = sum(column.rows for column in columns)
    return sum(column.missing for column in columns) / cells if cells else 0.0
