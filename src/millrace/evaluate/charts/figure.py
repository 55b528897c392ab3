"""One chart as inline SVG that follows the page's colours, with words for those who cannot see it.

Altair describes the chart, vl-convert draws it offline. The theme draws in stand-in colours, which are replaced by
the page's CSS variables: one SVG serves light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

#: Stand-ins for the page's colours; vega passes them through unchanged.
INK, MUTED, LINE, ACCENT, SECOND, THIRD = (f"#00000{i}" for i in range(1, 7))
FOURTH, FIFTH, SIXTH = (f"#00000{i}" for i in range(7, 10))
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    ACCENT: "--accent",
    SECOND: "--second",
    THIRD: "--third",
    FOURTH: "--fourth",
    FIFTH: "--fifth",
    SIXTH: "--sixth",
}
#: One colour per class, in the order of the classes.
COLOURS = (ACCENT, SECOND, THIRD, FOURTH, FIFTH, SIXTH)

#: The whole picture in pixels, axes and legend included, so that neighbours line up.
WIDTH, HEIGHT = 470, 350


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and its twin in words: `rows` under `columns` hold the numbers, `caption` what to see in them."""

    key: str
    title: str
    caption: str
    chart: Any
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def draw(figure: Figure) -> str:
    """The figure's chart as an ``<svg>`` element."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(_styled(figure.chart))
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"var({variable})"')
    svg = re.sub(r'id="(clip|gradient)', rf'id="{figure.key}-\1', svg)
    svg = re.sub(r"url\(#(clip|gradient)", rf"url(#{figure.key}-\1", svg)
    svg = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg)
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert size is not None
    head = f'<svg role="img" aria-labelledby="{figure.key}-title {figure.key}-text" '
    words = (
        f'<title id="{figure.key}-title">{escape(figure.title)}</title>'
        f'<desc id="{figure.key}-text">{escape(figure.caption)}</desc>'
    )
    svg = svg.replace("<svg ", head, 1).replace(">", f">{words}", 1)
    return svg.replace(size.group(0), 'width="100%"', 1)


def _styled(chart: Any) -> dict[str, Any]:
    """The chart's description with the page's size and theme."""
    # Altair checks a chart against its schema at every step, which takes longer than to draw it; tests check it once.
    described: dict[str, Any] = chart.to_dict(validate=False)
    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "labelSeparation": 8,
        "labelOverlap": True,
        "titlePadding": 10,
        "tickCount": 5,
    }
    legend = {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 13,
        "symbolStrokeWidth": 3,
        "padding": 0,
        "offset": 8,
        "columnPadding": 18,
    }
    return described | {
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 2},
        "config": {"font": "system-ui, sans-serif", "view": {"stroke": None}, "axis": axis, "legend": legend},
    }


def along(channel: Literal["x", "y"], title: str | None, *, unit: bool = False, share: bool = False) -> Any:
    """The channel's encoding of the column of its name: titled, over 0…1 where `unit`, in per cent where `share`."""
    import altair as alt

    scale = alt.Scale(domain=[0, 1]) if unit else alt.Scale(zero=share, nice=share)
    axis = alt.Axis(title=title, format="%") if share else alt.Axis(title=title)
    return (alt.X if channel == "x" else alt.Y)(f"{channel}:Q", scale=scale, axis=axis)


def coloured(names: Sequence[str]) -> Any:
    """The colour of the column ``of``: one per name, in this order."""
    import altair as alt

    scale = alt.Scale(domain=list(names), range=list(COLOURS[: len(names)]))
    return alt.Color(
        "of:N",
        sort=list(names),
        scale=scale,
        legend=alt.Legend(columns=4 if len(names) == 4 else 3, labelLimit=120 if len(names) > 2 else 190),
    )


def diagonal(low: float = 0.0, high: float = 1.0) -> Any:
    """A dashed line of equal coordinates, to compare with."""
    import altair as alt

    return (
        alt.Chart(records(x=(low, high), y=(low, high)))
        .mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )


def upright(x: float) -> Any:
    """A vertical line at `x`."""
    import altair as alt

    return alt.Chart(records(x=(x,))).mark_rule(color=INK, strokeWidth=1.5).encode(x="x:Q")


def records(**columns: Sequence[Any] | Any) -> Any:
    """Parallel columns as inline chart data, rounded to what can be seen."""
    import altair as alt

    names = list(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    return alt.InlineData(
        values=[{name: _short(value) for name, value in zip(names, row, strict=True)} for row in rows]
    )


def _short(value: Any) -> Any:
    return value if isinstance(value, str) else float(f"{float(value):.5g}")
