"""How much each raw column matters: what the deciding metric loses when the column is shuffled among test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from millrace.records.evaluation import Metric
from millrace.records.signature import Signature
from millrace.train.clock import Clock

MAX_ROWS = 2000
REPEATS = 5
_MIN_REPEATS = 2
#: Student's t for 95 % by the number of repeats.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


def importances(
    rows: pl.DataFrame,
    signature: Signature,
    loss_of: Callable[[pl.DataFrame], float],
    seed: int,
    clock: Clock,
) -> Mapping[str, Metric]:
    """Permutation importance (Breiman, 2001; Fisher et al., 2019) of each input, largest first.

    Parameters
    ----------
    rows
        At most `MAX_ROWS` test rows.
    loss_of
        What is lost on such rows: the deciding metric, or its negative where higher is better.

    Returns
    -------
    Mapping
        By column, the mean rise of the loss over up to five shufflings, with its 95 % interval (Student's t). When
        time is up after two shufflings of every column, no more are made; before that, nothing is said.
    """
    rng = np.random.default_rng(seed)
    whole = loss_of(rows)
    rises: dict[str, list[float]] = {field.name: [] for field in signature.inputs}
    for repeat in range(REPEATS):
        clock.tell(f"importance of columns, shuffling {repeat + 1} of {REPEATS}")
        order = rng.permutation(rows.height)
        round_ = {}
        for name in rises:
            if clock.left() < 0:
                return _summary(rises)
            shuffled = rows.with_columns(rows[name][order])
            round_[name] = loss_of(shuffled) - whole
        for name, rise in round_.items():
            rises[name].append(rise)
    return _summary(rises)


def _summary(rises: Mapping[str, list[float]]) -> Mapping[str, Metric]:
    found = {}
    for name, values in rises.items():
        if len(values) < _MIN_REPEATS:
            return {}
        mean = float(np.mean(values))
        half = _T[len(values)] * float(np.std(values, ddof=1)) / len(values) ** 0.5
        found[name] = Metric(mean, mean - half, mean + half)
    return dict(sorted(found.items(), key=lambda item: -item[1].value))
