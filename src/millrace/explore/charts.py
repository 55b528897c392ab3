"""Pictures of columns: how each is distributed, by class where there is one, and how they go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
import polars as pl

from millrace.evaluate.charts.figure import ACCENT, COLOURS, MUTED, Figure, along, coloured, records
from millrace.explore.associations import Associations
from millrace.explore.columns import Column, as_numbers, as_texts, as_value, edges

_POINTS = 800
_EVERYONE = "all rows"


def classes_of(target: Column | None) -> tuple[str, ...]:
    """The classes that get a colour each, most frequent first; none where there are too many."""
    if target is None or target.kind != "category" or not 1 < target.distinct <= len(COLOURS):
        return ()
    return tuple(value for value, _ in target.top)


def distribution(frame: pl.DataFrame, column: Column, target: Column | None, closeness: float) -> Figure:
    """A histogram, or bars of the most frequent values, as shares of each class."""
    groups = _groups(frame, column, target)
    if column.kind in ("category", "text"):
        return _bars(column, groups, _caption(column, target, closeness))
    return _histogram(column, groups, _caption(column, target, closeness))


def together(found: Associations, most: int) -> Figure:
    """Every pair of the `most` columns that go together best with another, as a field of colour."""
    import altair as alt

    strongest = sorted(found.names, key=lambda name: -_closest(found, name))[:most]
    names = [name for name in found.names if name in strongest]
    pairs = [(one, other, found.between(one, other)) for one in names for other in names]
    data = records(x=[p[0] for p in pairs], y=[p[1] for p in pairs], of=[p[2] for p in pairs])
    chart = (
        alt.Chart(data)
        .mark_rect(color=ACCENT)
        .encode(
            x=alt.X("x:N", sort=names, axis=alt.Axis(title=None, labelAngle=-60, labelLimit=90)),
            y=alt.Y("y:N", sort=names, axis=alt.Axis(title=None, labelLimit=110)),
            opacity=alt.Opacity("of:Q", scale=alt.Scale(domain=[0, 1], range=[0.03, 1]), legend=None),
        )
    )
    rows = [(f"{one} and {other}", f"{value:.2f}") for value, one, other in closest_pairs(found, names)[:12]]
    caption = "The stronger a field's colour, the more one column tells of the other, in whatever form (Cramér's V)."
    return Figure("together", "Which columns go together", caption, chart, ("pair", "closeness"), rows)


def _closest(found: Associations, name: str) -> float:
    return max((found.between(name, other) for other in found.names if other != name), default=0.0)


def closest_pairs(found: Associations, names: Sequence[str]) -> list[tuple[float, str, str]]:
    """Every pair of `names` with its closeness, closest first."""
    pairs = [(found.between(one, other), one, other) for one, other in combinations(names, 2)]
    return sorted(pairs, key=lambda pair: -pair[0])


def scatters(frame: pl.DataFrame, pairs: Sequence[tuple[Column, Column]], target: Column | None) -> tuple[Figure, ...]:
    """Each pair of columns as points, coloured by class, of a sample of rows."""
    rows = frame.sample(min(_POINTS, frame.height), seed=0)
    return tuple(_scatter(rows, one, other, target) for one, other in pairs)


def _scatter(rows: pl.DataFrame, one: Column, other: Column, target: Column | None) -> Figure:
    import altair as alt

    names = classes_of(target) or (_EVERYONE,)
    of = as_texts(rows[target.name]).fill_null("") if target and names != (_EVERYONE,) else None
    x, y = as_numbers(rows[one.name]), as_numbers(rows[other.name])
    shown = np.isfinite(x) & np.isfinite(y)
    told = [_EVERYONE] * int(shown.sum()) if of is None else of.filter(pl.Series(shown)).to_list()
    chart = (
        alt.Chart(records(x=x[shown], y=y[shown], of=told))
        .mark_circle(size=22, opacity=0.45)
        .encode(x=along("x", one.name), y=along("y", other.name), color=coloured(names))
    )
    linear = float(np.corrcoef(x[shown], y[shown])[0, 1]) if shown.sum() > 2 else float("nan")
    caption = f"{int(shown.sum()):,} rows drawn at random. Pearson's correlation among them is {linear:.2f}."
    key = f"scatter-{_key(one)}-{_key(other)}"
    return Figure(
        key, f"{one.name} and {other.name}", caption, chart, ("measure", "value"), [("pearson", f"{linear:.2f}")]
    )


def _groups(frame: pl.DataFrame, column: Column, target: Column | None) -> Mapping[str, pl.Series]:
    names = classes_of(target)
    if target is None or not names or column.name == target.name:
        return {_EVERYONE: frame[column.name]}
    of = as_texts(frame[target.name])
    return {name: frame[column.name].filter(of == name) for name in names}


def _histogram(column: Column, groups: Mapping[str, pl.Series], caption: str) -> Figure:
    import altair as alt

    bins = edges(column)
    middles = (bins[:-1] + bins[1:]) / 2
    x: list[float | str] = []
    y: list[float] = []
    of: list[str] = []
    moments = [as_value(column, float(middle)).replace(" ", "T") for middle in middles] if column.kind == "date" else []
    for name, values in groups.items():
        numbers = as_numbers(values)
        counts = np.histogram(numbers[np.isfinite(numbers)], bins)[0]
        x += moments or middles.tolist()
        y += (counts / max(counts.sum(), 1)).tolist()
        of += [name] * len(middles)
    chart = alt.Chart(records(x=x, y=y, of=of))
    fill, line = chart.mark_area(opacity=0.18, interpolate="step"), chart.mark_line(strokeWidth=2, interpolate="step")
    encoded = {
        "x": alt.X("x:T", axis=alt.Axis(title=column.name)) if moments else along("x", column.name),
        "y": along("y", "share of rows", share=True),
        "color": coloured(list(groups)) if len(groups) > 1 else alt.value(ACCENT),
    }
    layered = alt.layer(fill.encode(**encoded).encode(y=encoded["y"].stack(None)), line.encode(**encoded))
    labels = [f"{as_value(column, float(low))} to {as_value(column, float(high))}" for low, high in pairwise(bins)]
    return Figure(_key(column), column.name, caption, layered, (column.name, *groups), _twin(labels, y, groups))


def _bars(column: Column, groups: Mapping[str, pl.Series], caption: str) -> Figure:
    import altair as alt

    values = [value for value, _ in column.top]
    x: list[float] = []
    y: list[str] = []
    of: list[str] = []
    for name, group in groups.items():
        counted = dict(as_texts(group).value_counts(name="rows").iter_rows())
        x += [counted.get(value, 0) / max(group.len(), 1) for value in values]
        y += values
        of += [name] * len(values)
    chart = (
        alt.Chart(records(x=x, y=y, of=of))
        .mark_bar(opacity=0.85)
        .encode(
            x=along("x", "share of rows", share=True),
            y=alt.Y("y:N", sort=values, axis=alt.Axis(title=None, labelLimit=150, labelColor=MUTED)),
            yOffset=alt.YOffset("of:N", sort=list(groups)),
            color=coloured(list(groups)) if len(groups) > 1 else alt.value(ACCENT),
        )
    )
    return Figure(_key(column), column.name, caption, chart, (column.name, *groups), _twin(values, x, groups))


def _twin(labels: list[str], shares: list[float], groups: Mapping[str, pl.Series]) -> list[tuple[str, ...]]:
    """The same numbers as a table: one row per bin or value, one column per group."""
    width = len(labels)
    by_group = [shares[i * width : (i + 1) * width] for i in range(len(groups))]
    return [(label, *(f"{group[i]:.1%}" for group in by_group)) for i, label in enumerate(labels)]


def _caption(column: Column, target: Column | None, closeness: float) -> str:
    missing = f" Missing in {column.missing:,} rows ({column.share_missing:.1%})." if column.missing else ""
    if column.kind in ("category", "text"):
        said = f"{column.distinct:,} different values."
    else:
        low, high, middle = (as_value(column, value or 0.0) for value in (column.low, column.high, column.middle))
        said = f"From {low} to {high}, half of them up to {middle}."
        said += f" {column.far:,} lie far from the others." if column.far else ""
    if target is not None and target.name != column.name:
        said += f" Closeness to `{target.name}`: {closeness:.2f} of 1."
    return said + missing


def _key(column: Column) -> str:
    return "column-" + "".join(letter if letter.isalnum() else f"-{ord(letter):x}-" for letter in column.name)
