"""How the model behaves: what it says along one column, what more rows would bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.evaluate.charts.figure import ACCENT, Figure, along, coloured, records
from millrace.evaluate.dependence import Dependence, label
from millrace.evaluate.page import number
from millrace.records.metric import Metric


def dependence(one: Dependence, place: int) -> Figure:
    """What the model says on average when the column is set to each of its values."""
    name = one.field.name
    chart = _bars(one) if isinstance(one.places[0], str) else _lines(one)
    reach = one.high - one.mean
    rows = [
        (label(at, one.field), *(f"{number(one.mean[i, j])} ± {number(reach[i, j])}" for j in range(len(one.of))))
        for i, at in enumerate([*one.places])
    ]
    caption = f"The mean answer when `{name}` is set to each value in the test rows, with its 95 % interval."
    return Figure(f"dependence-{place}", f"Along {name}", caption, chart, (name, *one.of), rows)


def _data(one: Dependence) -> Any:
    of = [name for name in one.of for _ in one.places]
    parts = {"y": one.mean.T.ravel(), "low": one.low.T.ravel(), "high": one.high.T.ravel()}
    return records(x=[*one.places] * len(one.of), of=of, **parts)


def _colour(one: Dependence) -> Any:
    import altair as alt

    return coloured(one.of) if len(one.of) > 1 else alt.value(ACCENT)


def _lines(one: Dependence) -> Any:
    import altair as alt

    x = alt.X("x:Q", scale=alt.Scale(zero=False, nice=False), axis=_axis(one))
    low = alt.Y("low:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=one.said))
    base = alt.Chart(_data(one)).encode(x=x)
    colour = _colour(one)
    band = colour.legend(None) if len(one.of) > 1 else colour
    return alt.layer(
        base.mark_area(opacity=0.18).encode(y=low, y2="high:Q", color=band),
        base.mark_line(strokeWidth=2.5).encode(y=alt.Y("y:Q", axis=alt.Axis(title=one.said)), color=colour),
    ).resolve_legend(color="independent")


def _axis(one: Dependence) -> Any:
    import altair as alt

    if one.field.type in {"date", "datetime"}:
        scale = 86_400_000 if one.field.type == "date" else 1000
        return alt.Axis(title=one.field.name, labelExpr=f"utcFormat(datum.value * {scale}, '%Y-%m-%d')")
    return alt.Axis(title=one.field.name)


def _bars(one: Dependence) -> Any:
    import altair as alt

    y = alt.Y("x:N", sort=[*one.places], axis=alt.Axis(title=None, labelLimit=190))
    low = alt.X("low:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=one.said))
    base = alt.Chart(_data(one)).encode(y=y, color=_colour(one))
    if len(one.of) > 1:
        base = base.encode(yOffset=alt.YOffset("of:N", sort=list(one.of)))
    return alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.4).encode(x=low, x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("y:Q", axis=alt.Axis(title=one.said))),
    )


def learning(points: tuple[tuple[int, Metric], ...], metric: str) -> Figure:
    """The deciding metric on the test rows after learning from so many rows."""
    import altair as alt

    rows, values = [count for count, _ in points], [one for _, one in points]
    ends = {"low": [one.low for one in values], "high": [one.high for one in values]}
    axis = alt.Axis(title="training rows", values=rows, format=",d")
    x = alt.X("x:Q", scale=alt.Scale(type="log", nice=False, padding=20), axis=axis)
    low = alt.Y("low:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=metric))
    y = alt.Y("y:Q", axis=alt.Axis(title=metric))
    base = alt.Chart(records(x=rows, y=[one.value for one in values], **ends)).encode(x=x)
    chart = alt.layer(
        base.mark_rule(color=ACCENT, strokeWidth=2, opacity=0.45).encode(y=low, y2="high:Q"),
        base.mark_line(color=ACCENT, strokeWidth=2.5).encode(y=y),
        base.mark_point(color=ACCENT, fill=ACCENT, size=55, opacity=1).encode(y=y),
    )
    told = [(f"{count:,}", number(one.value), f"{number(one.low)} to {number(one.high)}") for count, one in points]
    columns = ("training rows", metric, "95 % interval")
    return Figure("learning", "More rows", _verdict(points), chart, columns, told)


def _verdict(points: tuple[tuple[int, Metric], ...]) -> str:
    """What the last doubling brought, beside what chance moves."""
    (half, before), (whole, last) = points[-2], points[-1]
    gain = last.value - before.value if last.higher_is_better else before.value - last.value
    reach = (last.high - last.low) / 2
    if gain > reach:
        told = f"gains {number(gain)}: more rows would likely help"
    elif gain > 0.1 * reach:
        told = f"gains {number(gain)}, less than its interval reaches: more rows may still help"
    else:
        told = "gains next to nothing: better columns would help more than more rows"
    from_to = f"From {half:,} to {whole:,} training rows the heaviest model of the blend"
    return f"{from_to} {told}. Upright lines are 95 % intervals."


def sizes(held: np.ndarray) -> Figure:
    """How many classes the sets of the test rows hold."""
    import altair as alt

    counts = np.bincount(held.astype(int))[1:]
    shares = counts / counts.sum()
    x = alt.X("x:N", sort=None, axis=alt.Axis(title="classes in the set", labelAngle=0))
    data = records(x=[str(i + 1) for i in range(len(counts))], y=shares)
    bars = alt.Chart(data).mark_bar(color=ACCENT, opacity=0.75)
    chart = bars.encode(x=x, y=along("y", "share of rows", share=True))
    rows = [(str(i + 1), f"{share:.1%}") for i, share in enumerate(shares)]
    caption = f"In {shares[0]:.1%} of the test rows a single class is left at the stated coverage."
    return Figure("sizes", "How many classes may be true", caption, chart, ("classes", "share of rows"), rows)
