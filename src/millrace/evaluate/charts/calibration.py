"""Whether probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.evaluate.charts.figure import ACCENT, SECOND, Figure, along, diagonal, records
from millrace.evaluate.intervals import wilson
from millrace.evaluate.probabilities import reliability


def calibration(truth: np.ndarray, probability: np.ndarray, of: str, before: np.ndarray | None = None) -> Figure:
    """Promised against seen frequency, with Wilson's interval for each bin; `of` names what is promised.

    `before` are the probabilities before calibration, drawn as hollow points.
    """
    import altair as alt

    bins = reliability(truth, probability)
    bounds = [wilson(seen * rows, rows) for seen, rows in zip(bins.true, bins.rows, strict=True)]
    data = records(x=bins.promised, y=bins.true, low=[b[0] for b in bounds], high=[b[1] for b in bounds])
    x = along("x", "promised probability", unit=True)
    y = along("y", "seen frequency", unit=True)
    base = alt.Chart(data)
    chart = alt.layer(
        diagonal(),
        base.mark_rule(color=ACCENT, strokeWidth=2, opacity=0.45).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(color=ACCENT, fill=ACCENT, size=45, opacity=1).encode(x=x, y=y),
        *(() if before is None else (_before(truth, before, x, y),)),
    )
    rows = [
        (f"{promised:.3f}", f"{seen:.3f}", f"{low:.3f} to {high:.3f}", f"{rows:,.0f}")
        for promised, seen, rows, (low, high) in zip(bins.promised, bins.true, bins.rows, bounds, strict=True)
    ]
    caption = (
        f"Of the cases promised {of} with a given probability, so many were. On the dashed line the promises are kept; "
        "upright lines are 95 % intervals."
    )
    if before is not None:
        caption += " Hollow points are the promises before calibration."
    return Figure("calibration", "Calibration", caption, chart, ("promised", "seen", "95 % interval", "rows"), rows)


def _before(truth: np.ndarray, probability: np.ndarray, x: Any, y: Any) -> Any:
    import altair as alt

    bins = reliability(truth, probability)
    data = records(x=bins.promised, y=bins.true)
    return alt.Chart(data).mark_point(color=SECOND, size=45, opacity=0.9, strokeWidth=2).encode(x=x, y=y)
