"""What a report shows of a model that predicts a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.evaluate import curves
from millrace.evaluate.calibrating import follow
from millrace.evaluate.charts.figure import ACCENT, INK, SECOND, Figure, along, diagonal, records, upright
from millrace.evaluate.page import number
from millrace.records.calibration import Curve

#: Up to so many rows are drawn one by one; more are counted on a grid.
_SINGLE = 800
_GRID = 30
#: Cells with less than this share of the fullest cannot be seen beside it.
_FAINT = 0.001


def figures(truth: np.ndarray, value: np.ndarray, target: str, reach: Curve | None = None) -> tuple[Figure, ...]:
    """Predicted against actual, errors against predictions, and the spread of the errors.

    `truth` and `value` float ``[rows]``; `reach`: how far intervals reach around each value.
    """
    return (_against(truth, value, target), _errors(truth, value, target, reach), _spread(truth - value))


def _against(truth: np.ndarray, value: np.ndarray, target: str) -> Figure:
    import altair as alt

    within = _middle(truth) & _middle(value)
    low, high = (float(end([truth[within], value[within]])) for end in (np.min, np.max))
    points = _points(value, truth, f"predicted {target}", f"actual {target}")
    chart = alt.layer(diagonal(low, high), points)
    rows = _by_tenth(value, truth)
    correlation = float(np.corrcoef(truth, value)[0, 1]) if truth.std() * value.std() > 0 else 0.0
    caption = f"On the dashed line prediction and truth agree; they correlate by {correlation:.3f}.{_left_out(truth)}"
    columns = ("predicted (mean of a tenth)", "actual (mean)")
    return Figure("predicted-actual", "Predicted and actual", caption, chart, columns, rows)


def _errors(truth: np.ndarray, value: np.ndarray, target: str, reach: Curve | None) -> Figure:
    import altair as alt

    residual = truth - value
    points = _points(value, residual, f"predicted {target}", "actual minus predicted")
    zero = alt.Chart(records(y=(0,))).mark_rule(color=INK, strokeDash=[4, 4], strokeWidth=1).encode(y="y:Q")
    chart = alt.layer(zero, points, *_reaching(value, reach))
    caption = (
        f"Errors should scatter evenly around zero; their mean is {number(float(residual.mean()))}.{_left_out(truth)}"
    )
    if reach is not None:
        caption += " Between the lines the truth is meant to lie as often as the intervals promise."
    columns = ("predicted (mean of a tenth)", "error (mean)")
    return Figure("errors", "Errors along the predictions", caption, chart, columns, _by_tenth(value, residual))


def _reaching(value: np.ndarray, reach: Curve | None) -> list[Any]:
    """The ends of the intervals along the predictions."""
    import altair as alt

    if reach is None:
        return []
    low, high = (float(end) for end in np.quantile(value, (0.001, 0.999)))
    places = np.linspace(low, high, 60)
    far = follow(reach, places)
    lines = [records(x=places, y=side * far) for side in (-1, 1)]
    return [alt.Chart(data).mark_line(color=SECOND, strokeWidth=2).encode(x="x:Q", y="y:Q") for data in lines]


def _middle(values: np.ndarray) -> np.ndarray:
    """Which rows to draw: all of a few; of many, all but the utmost thousandth on either side."""
    if len(values) <= _SINGLE:
        return np.ones(len(values), dtype=bool)
    low, high = np.quantile(values, (0.001, 0.999))
    return np.asarray((values >= low) & (values <= high))


def _points(x: np.ndarray, y: np.ndarray, x_title: str, y_title: str) -> Any:
    import altair as alt

    channels = {
        "x": along("x", x_title),
        "y": along("y", y_title),
    }
    if len(x) <= _SINGLE:
        data = records(x=x, y=y)
        return alt.Chart(data).mark_circle(color=ACCENT, size=28, opacity=0.5).encode(**channels)
    within = _middle(x) & _middle(y)
    grid = curves.cloud(x[within], y[within], _GRID)
    seen = grid.rows >= _FAINT * grid.rows.max()
    data = records(x=grid.x[seen], y=grid.y[seen], rows=grid.rows[seen])
    size = alt.Size("rows:Q", scale=alt.Scale(type="sqrt", range=[4, 190]), legend=None)
    return alt.Chart(data).mark_circle(color=ACCENT, opacity=0.65).encode(**channels, size=size)


def _spread(residual: np.ndarray) -> Figure:
    import altair as alt

    low, high = (float(edge) for edge in np.quantile(residual, (0.005, 0.995)))
    if low == high:
        low, high = low - 0.5, high + 0.5
    spread = curves.histogram(residual, 31, low, high)
    bars = (
        alt.Chart(records(x=spread.edges[:-1], end=spread.edges[1:], y=spread.shares))
        .mark_bar(color=ACCENT, opacity=0.75, binSpacing=1)
        .encode(
            x=along("x", "actual minus predicted"),
            x2="end:Q",
            y2=alt.datum(0),
            y=along("y", "share of rows", share=True),
        )
    )
    chart = alt.layer(bars, upright(0.0))
    half, most = np.quantile(np.abs(residual), (0.5, 0.9))
    caption = (
        f"Half of the errors are within {number(half)}, nine in ten within {number(most)}; the rest lies outermost."
    )
    edges = spread.edges
    rows = [
        (f"{number(float(edges[i]))} to {number(float(edges[i + 1]))}", f"{spread.shares[i]:.1%}")
        for i in range(len(spread.shares))
    ]
    return Figure("residuals", "How large the errors are", caption, chart, ("error", "share of rows"), rows)


def _by_tenth(x: np.ndarray, y: np.ndarray) -> list[tuple[str, str]]:
    order = np.argsort(x, kind="stable")
    parts = [part for part in np.array_split(order, 10) if len(part)]
    return [(f"{x[part].mean():.4g}", f"{y[part].mean():.4g}") for part in parts]


def _left_out(values: np.ndarray) -> str:
    return "" if len(values) <= _SINGLE else " Larger dots hold more rows; the rarest are not drawn."
