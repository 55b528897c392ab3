"""Sets of classes and intervals of values that hold the truth as often as they say.

Learned on answers to rows that were held out of learning, one number for all rows (or for each class): how improbable
the truth may be, or how far the value may be off. It holds for rows that come as those did, whatever the model is
(Vovk, Gammerman & Shafer, 2005; with folds as Barber et al., 2021).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from millrace.evaluate.calibrating import follow
from millrace.evaluate.intervals import around, error_of, wilson
from millrace.records.calibration import Curve
from millrace.records.conformal import Conformal, Surroundings
from millrace.records.fit import Answer
from millrace.records.metric import Metric

#: Values are told apart by how far predictions near them are off, in so many groups of at least so many rows.
_GROUPS, _GROUP_ROWS = 20, 50
#: The narrowest group's errors count as this share of the mean error at least.
_NARROWEST = 0.05


def sets(truth: np.ndarray, probabilities: np.ndarray, coverage: float, by: Literal["rows", "class"]) -> Conformal:
    """Cuts so that the true class's probability is at or above its cut in a share `coverage` of rows.

    `truth` int64 ``[rows]``, `probabilities` float ``[rows, classes]``, out of fold. The smallest sets on average have
    one cut for all (Sadinle, Lei & Wasserman, 2019); with `by` class every class is covered, rare ones too.

    Examples
    --------
    >>> sets(np.zeros(9, int), np.linspace(0.1, 0.9, 9)[:, None], 0.8, "rows").cuts
    (0.15000000000000002,)
    """
    given = probabilities[np.arange(len(truth)), truth]
    classes = probabilities.shape[1]
    if by == "rows":
        return Conformal(coverage, cuts=(_cut(given, coverage),) * classes)
    return Conformal(coverage, cuts=tuple(_cut(given[truth == i], coverage) for i in range(classes)))


def _cut(given: np.ndarray, coverage: float) -> float:
    """Halfway between the last probability left out and the first let in, so that rounding moves no row."""
    left_out = int(np.floor((len(given) + 1) * (1 - coverage) + 1e-9)) - 1
    if left_out < 0:
        return 0.0
    ascending = np.sort(given.astype(np.float64))
    lower = ascending[left_out - 1] if left_out else 0.0
    return float((ascending[left_out] + lower) / 2)


def intervals(truth: np.ndarray, value: np.ndarray, coverage: float) -> Conformal:
    """How far the truth lies from the value in a share `coverage` of rows, wider where such values are off more.

    `truth` and `value` float ``[rows]``, out of fold. Errors are divided by the mean error of values near by (Lei et
    al., 2018), so the width follows the value.
    """
    error = np.abs(truth - value)
    near = _mean_errors(error, value)
    scores = np.sort(error / np.maximum(follow(near, value), np.finfo(np.float64).tiny))
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    factor = float(scores[min(rank, len(scores)) - 1])
    return Conformal(coverage, reach=Curve(near.x, tuple(factor * height for height in near.y)))


def _mean_errors(error: np.ndarray, value: np.ndarray) -> Curve:
    groups = max(1, min(_GROUPS, len(value) // _GROUP_ROWS))
    order = np.argsort(value, kind="stable")
    parts = np.array_split(order, groups)
    whole = float(error.mean())
    heights = [max(float(error[part].mean()), _NARROWEST * whole) for part in parts]
    places = [float(value[part].mean()) for part in parts]
    kept = [i for i, place in enumerate(places) if i == 0 or place > places[i - 1]]
    return Curve(tuple(places[i] for i in kept), tuple(heights[i] for i in kept))


def surround(conformal: Conformal, answer: Answer) -> tuple[np.ndarray, ...]:
    """``(inside,)`` bool ``[rows, classes]`` around labels, or ``(lower, upper)`` float32 ``[rows]`` around values."""
    if answer.label is None or answer.probabilities is None:
        assert answer.value is not None
        assert conformal.reach is not None
        value = answer.value.astype(np.float64)
        reach = follow(conformal.reach, value)
        return (value - reach).astype(np.float32), (value + reach).astype(np.float32)
    inside: np.ndarray = answer.probabilities >= np.asarray(conformal.cuts, np.float32)
    inside[np.arange(len(inside)), answer.label] = True
    return (inside,)


def surroundings(
    conformal: Conformal, truth: np.ndarray, answer: Answer, classes: tuple[str, ...]
) -> Surroundings | None:
    """How often the truth was inside, and how large the sets or intervals are; None where the answer has neither."""
    if answer.inside is not None:
        held = answer.inside[np.arange(len(truth)), truth]
        size = answer.inside.sum(axis=1).astype(np.float64)
    elif answer.lower is not None and answer.upper is not None:
        held = (truth >= answer.lower) & (truth <= answer.upper)
        size = (answer.upper - answer.lower).astype(np.float64)
    else:
        return None
    mean = float(size.mean())
    bounds = around(mean, error_of((size - mean) / len(size)), "log", len(size))
    own = {name: _share(held[truth == i]) for i, name in enumerate(classes)}
    return Surroundings(conformal.coverage, _share(held), Metric(mean, *bounds, higher_is_better=False), own)


def _share(held: np.ndarray) -> Metric:
    return Metric(float(held.mean()) if len(held) else 0.0, *wilson(float(held.sum()), len(held)))
