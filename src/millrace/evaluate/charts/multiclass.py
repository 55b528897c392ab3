"""What a report shows of a model that tells many classes apart."""

from __future__ import annotations

import numpy as np

from millrace.evaluate import curves
from millrace.evaluate.charts.calibration import calibration
from millrace.evaluate.charts.figure import COLOURS, Figure, along, coloured, diagonal, records
from millrace.evaluate.ranking import roc_auc


def figures(
    truth: np.ndarray, probability: np.ndarray, names: tuple[str, ...], before: np.ndarray | None = None
) -> tuple[Figure, ...]:
    """ROC of the largest classes against the rest, and calibration of the class called.

    `truth` int64 ``[rows]``, `probability` float ``[rows, classes]``, `names` of the classes; `before`: the
    probabilities before calibration.
    """
    sizes = np.bincount(truth, minlength=len(names))
    shown = [int(i) for i in np.argsort(-sizes, kind="stable")[: len(COLOURS)] if 0 < sizes[i] < len(truth)]
    promise = calibration(truth, probability, "the class called", before)
    return (_roc(truth, probability, names, shown), promise) if shown else (promise,)


def _roc(truth: np.ndarray, probability: np.ndarray, names: tuple[str, ...], shown: list[int]) -> Figure:
    import altair as alt

    lines = [curves.roc((truth == i).astype(np.int64), probability[:, i]) for i in shown]
    labels = [names[i] for i in shown]
    data = records(
        x=np.concatenate([line.x for line in lines]),
        y=np.concatenate([line.y for line in lines]),
        of=[label for label, line in zip(labels, lines, strict=True) for _ in line.x],
    )
    drawn = (
        alt.Chart(data)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=along("x", "false positive rate", unit=True),
            y=along("y", "recall", unit=True),
            color=coloured(labels),
        )
    )
    chart = alt.layer(diagonal(), drawn)
    rows = [
        (names[i], f"{roc_auc((truth == i).astype(np.int64), probability[:, i]):.3f}", f"{(truth == i).sum():,}")
        for i in shown
    ]
    caption = "Each class against the rest. The dashed line is guessing."
    if len(shown) < len(names):
        caption += f" The {len(shown)} largest of {len(names)} classes are shown."
    return Figure("roc", "ROC curves, one class against the rest", caption, chart, ("class", "roc_auc", "rows"), rows)
