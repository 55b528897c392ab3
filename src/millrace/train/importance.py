"""How much each raw column matters: what the deciding metric loses when the column is shuffled among test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from millrace.records.evaluation import Metric
from millrace.train.clock import Clock

MAX_ROWS = 2000
REPEATS = 5
_MIN_REPEATS = 2
#: Student's t for 95 % by the number of repeats.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


def importances(
    rows: pl.DataFrame,
    names: Sequence[str],
    measure: Callable[[pl.DataFrame], float],
    clock: Clock,
    *,
    seed: int,
    higher_is_better: bool,
) -> Mapping[str, Metric]:
    """Permutation importance (Breiman, 2001; Fisher et al., 2019) of the named columns, largest first.

    Parameters
    ----------
    measure
        The metric of a model's answers on such rows.

    Returns
    -------
    Mapping
        By column, what the metric loses on average over up to five shufflings, with its 95 % interval (Student's t).
        When time is up after two shufflings of every column, no more are made; before that, nothing is said.
    """
    rng = np.random.default_rng(seed)
    whole = measure(rows)
    losses: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(REPEATS):
        clock.tell(f"importance of columns, shuffling {repeat + 1} of {REPEATS}")
        order = rng.permutation(rows.height)
        for name in names:
            if clock.left() < 0:
                return _summary({name: found[:repeat] for name, found in losses.items()})
            change = measure(rows.with_columns(rows[name][order])) - whole
            losses[name].append(-change if higher_is_better else change)
    return _summary(losses)


def _summary(losses: Mapping[str, list[float]]) -> Mapping[str, Metric]:
    found = {}
    for name, values in losses.items():
        if len(values) < _MIN_REPEATS:
            return {}
        mean = float(np.mean(values))
        half = _T[len(values)] * float(np.std(values, ddof=1)) / len(values) ** 0.5
        found[name] = Metric(mean, mean - half, mean + half)
    return dict(sorted(found.items(), key=lambda item: -item[1].value))
