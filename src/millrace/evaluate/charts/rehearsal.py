"""A chart of nothing: how long drawing lasts on this machine, today."""

from __future__ import annotations

import numpy as np

from millrace.evaluate.charts.calibration import calibration
from millrace.evaluate.page import figures

_ROWS = 400


def rehearsal() -> None:
    """Draw two charts of rows that are made up."""
    truth = np.arange(_ROWS) % 2
    scores = (np.arange(_ROWS) * 31 % _ROWS + 100 * truth) / (_ROWS + 100)
    figures([calibration(truth, scores, "yes", None)] * 2)
