"""What a report shows of a model that tells two classes apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.evaluate import curves
from millrace.evaluate.charts.calibration import calibration
from millrace.evaluate.charts.figure import (
    ACCENT,
    INK,
    MUTED,
    Figure,
    along,
    coloured,
    diagonal,
    records,
    upright,
)


def figures(
    truth: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    names: tuple[str, ...],
    before: np.ndarray | None = None,
) -> tuple[Figure, ...]:
    """ROC, precision and recall, calibration, scores by class, and what other thresholds would give.

    `truth` int64 ``[rows]`` of 0 and 1, `probability` of class 1 float ``[rows]``, `names` of classes 0 and 1;
    `before`: the probabilities before calibration.
    """
    found = {0, 1} <= set(np.unique(truth).tolist())
    pictures = (_scores(truth, probability, threshold, names), calibration(truth, probability, f"`{names[1]}`", before))
    if not found:
        return pictures
    return (
        _roc(truth, probability, threshold),
        _precision_recall(truth, probability, threshold),
        _thresholds(truth, probability, threshold),
        *pictures,
    )


def _roc(truth: np.ndarray, probability: np.ndarray, threshold: float) -> Figure:
    import altair as alt

    curve = curves.roc(truth, probability)
    called = probability >= threshold
    here = (float(called[truth == 0].mean()), float(called[truth == 1].mean()))
    line = (
        alt.Chart(records(x=curve.x, y=curve.y))
        .mark_line(color=ACCENT, strokeWidth=2.5, interpolate="linear")
        .encode(
            x=along("x", "false positive rate", unit=True),
            y=along("y", "recall", unit=True),
        )
    )
    chart = alt.layer(diagonal(), line, _point(*here))
    grid = np.linspace(0, 1, 11)
    rows = [(f"{x:.1f}", f"{y:.3f}") for x, y in zip(grid, np.interp(grid, curve.x, curve.y), strict=True)]
    caption = (
        f"At the chosen threshold {here[1]:.1%} of the positives are found and {here[0]:.1%} of the negatives are "
        "called wrongly. The dashed line is guessing."
    )
    return Figure("roc", "ROC curve", caption, chart, ("false positive rate", "recall"), rows)


def _precision_recall(truth: np.ndarray, probability: np.ndarray, threshold: float) -> Figure:
    import altair as alt

    curve = curves.precision_recall(truth, probability)
    called = probability >= threshold
    precision = float((truth[called] == 1).mean()) if called.any() else 0.0
    prevalence = float(truth.mean())
    line = (
        alt.Chart(records(x=curve.x, y=curve.y))
        .mark_line(color=ACCENT, strokeWidth=2.5)
        .encode(
            x=along("x", "recall", unit=True),
            y=along("y", "precision", unit=True),
        )
    )
    floor = (
        alt.Chart(records(x=(0, 1), y=(prevalence, prevalence)))
        .mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )
    here = (float(called[truth == 1].mean()), precision)
    chart = alt.layer(floor, line, _point(*here))
    grid = np.linspace(0, 1, 11)
    rows = [(f"{x:.1f}", f"{y:.3f}") for x, y in zip(grid, np.interp(grid, curve.x, curve.y), strict=True)]
    caption = (
        f"At the chosen threshold {precision:.1%} of the alarms are right. The dashed line is guessing: "
        f"{prevalence:.1%} of all rows are positive."
    )
    return Figure("precision-recall", "Precision and recall", caption, chart, ("recall", "precision"), rows)


def _point(x: float, y: float) -> Any:
    import altair as alt

    return (
        alt.Chart(records(x=(x,), y=(y,))).mark_point(color=INK, fill=INK, size=80, opacity=1).encode(x="x:Q", y="y:Q")
    )


def _thresholds(truth: np.ndarray, probability: np.ndarray, threshold: float) -> Figure:
    import altair as alt

    by = curves.by_threshold(truth, probability)
    names = ("precision", "recall", "F1")
    values = np.concatenate([by.precision, by.recall, by.f1])
    lines = (
        alt.Chart(records(x=np.tile(by.threshold, 3), y=values, of=np.repeat(names, len(by.f1)).tolist()))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=along("x", "threshold", unit=True),
            y=along("y", None, unit=True),
            color=coloured(names),
        )
    )
    chart = alt.layer(upright(threshold), lines)
    kept = np.unique(np.linspace(0, len(by.f1) - 1, min(len(by.f1), 11)).round().astype(int))
    rows = [tuple(f"{column[i]:.3f}" for column in (by.threshold, by.precision, by.recall, by.f1)) for i in kept[::-1]]
    caption = f"The upright line is the chosen threshold, {threshold:.3g}: cases at or above it are called positive."
    return Figure("thresholds", "What other thresholds would give", caption, chart, ("threshold", *names), rows)


def _scores(truth: np.ndarray, probability: np.ndarray, threshold: float, names: tuple[str, ...]) -> Figure:
    import altair as alt

    spreads = [curves.histogram(probability[truth == i], 25, 0, 1) for i in (0, 1)]
    edges = spreads[0].edges
    data = records(
        x=np.tile(edges[:-1], 2),
        end=np.tile(edges[1:], 2),
        y=np.concatenate([spread.shares for spread in spreads]),
        of=[names[0]] * 25 + [names[1]] * 25,
    )
    bars = (
        alt.Chart(data)
        .mark_bar(opacity=0.55, binSpacing=0)
        .encode(
            x=along("x", f"probability of {names[1]}", unit=True),
            x2="end:Q",
            y2=alt.datum(0),
            y=along("y", "share of the class", share=True).stack(None),
            color=coloured(names),
        )
    )
    chart = alt.layer(bars, upright(threshold))
    rows = [
        (f"{edges[i]:.2f} to {edges[i + 1]:.2f}", f"{spreads[0].shares[i]:.1%}", f"{spreads[1].shares[i]:.1%}")
        for i in range(25)
    ]
    caption = "How far the scores of the two classes lie apart; the upright line is the threshold."
    return Figure("scores", "Scores by class", caption, chart, ("probability", *names), rows)
