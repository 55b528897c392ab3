"""The report on data: one HTML file with a picture of every column, what goes together, and what to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import polars as pl

from millrace import __version__
from millrace.evaluate.charts.figure import Figure
from millrace.evaluate.page import figures, items, page, section, table, words
from millrace.explore.associations import Associations, associate, nearest_to
from millrace.explore.charts import distribution, scatters, together
from millrace.explore.columns import Column, summarise
from millrace.explore.warnings import warnings
from millrace.profile.api import drift

#: More pictures than this are no overview; the columns closest to the target come first.
_PICTURES = 40
_FIELD = 24
_PAIRED = 3


def explore(
    frame: pl.DataFrame,
    *,
    title: str,
    target: str | None,
    changed: tuple[pl.DataFrame, pl.DataFrame] | None,
    tell: Callable[[str], None],
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
    pictures = [distribution(frame, column, goal, closeness.get(column.name, 0.0)) for column in shown[:_PICTURES]]
    paired = [column for column in ranked if column.kind == "number" and column is not goal and not column.constant]
    body = "".join(
        (
            section("What to look at", items([words(sentence) for sentence in said])),
            section("What changed", _changes(changed), note="The rows of the newest ingest against those before it."),
            section("Columns", _columns(columns, closeness)),
            section("Distributions", figures(pictures), note=_left_out(len(shown))),
            section("Together", figures(_together(frame, found, paired[:_PAIRED], goal))),
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
        return f"{column.low:.4g} to {column.high:.4g}"
    return ", ".join(value[:24] for value, _ in column.top[:3])


def _together(frame: pl.DataFrame, found: Associations, paired: list[Column], goal: Column | None) -> list[Figure]:
    drawn: list[Figure] = [together(found, _FIELD)] if len(found.names) > 1 else []
    return drawn + list(scatters(frame, paired, goal))


def _changes(changed: tuple[pl.DataFrame, pl.DataFrame] | None) -> str:
    if changed is None:
        return ""
    found = drift(*changed)
    moved = [column for column in found.columns.values() if column.alarmed]
    rows = [(f"`{column.column}`", f"{column.effect:.3f}", column.alarms[0].evidence) for column in moved]
    said = f"<p>{words(found.verdict)}</p>"
    return said + (table(("column", "distance", "evidence"), rows, numbers=frozenset({1})) if rows else "")


def _left_out(count: int) -> str:
    return f"The {_PICTURES} columns closest to the target, of {count}." if count > _PICTURES else ""


def _share_missing(columns: tuple[Column, ...]) -> float:
    cells = sum(column.rows for column in columns)
    return sum(column.missing for column in columns) / cells if cells else 0.0
