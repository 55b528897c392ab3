"""What calls cost: the matrix, the call that is expected to cost least, and the mean cost as a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from millrace.errors import UsageError, nearest
from millrace.evaluate import values as v
from millrace.evaluate.definition import MetricDefinition
from millrace.evaluate.intervals import around, error_of, rows_worth
from millrace.records.costs import Costs
from millrace.records.metric import Metric

NAME = "cost"


def cost_matrix(given: Mapping[str, Any], classes: Sequence[str], where: str = "cost") -> np.ndarray:
    """Costs float64 ``[true class, called class]``.

    `given` is ``{"false_positive": 1, "false_negative": 8}`` for two classes (negative, positive), or by true and
    called class ``{"cat": {"dog": 5}}``; right calls that are left out cost 0, mistakes 1.

    Raises
    ------
    UsageError
        When a class is unknown, or a cost is no number from 0 up.

    Examples
    --------
    >>> cost_matrix({"false_positive": 1, "false_negative": 8}, ("no", "yes")).tolist()
    [[0.0, 1.0], [8.0, 0.0]]
    >>> cost_matrix({"cat": {"dog": 5}}, ("cat", "dog", "owl"))[0].tolist()
    [0.0, 5.0, 1.0]
    """
    if {"false_positive", "false_negative"} & set(given):
        if len(classes) != 2:
            raise UsageError(
                f"False positives are mistakes of two classes; here are {len(classes)}.",
                where=where,
                next_step="state costs by true and called class: {<true>: {<called>: 5}}",
            )
        given = {classes[0]: {classes[1]: given["false_positive"]}, classes[1]: {classes[0]: given["false_negative"]}}
    matrix = 1.0 - np.eye(len(classes))
    places = {name: i for i, name in enumerate(classes)}
    for true, row in given.items():
        for called, cost in row.items():
            i, j = (_place(str(name), places, where) for name in (true, called))
            if not (isinstance(cost, int | float) and np.isfinite(cost) and cost >= 0):
                raise UsageError(f"`{cost}` is not a cost.", where=where, allowed=("a number from 0 up",))
            matrix[i, j] = cost
    return matrix


def _place(name: str, places: Mapping[str, int], where: str) -> int:
    if name not in places:
        guess = nearest(name, places)
        raise UsageError(f"`{name}` is not a class.", where=where, allowed=tuple(places), nearest=guess)
    return places[name]


def expected(probabilities: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What each call is expected to cost, float64 ``[rows, called class]``, from ``[rows, true class]``."""
    costs: np.ndarray = probabilities.astype(np.float64) @ matrix
    return costs


def cheapest(probabilities: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The class that is expected to cost least, int64 ``[rows]``; of equal ones the first."""
    return np.asarray(expected(probabilities, matrix).argmin(axis=1), np.int64)


def indifference(matrix: np.ndarray) -> float:
    """The probability of the positive from which calling it costs no more than not (two classes; Elkan, 2001).

    Examples
    --------
    >>> round(indifference(np.array([[0.0, 1.0], [8.0, 0.0]])), 4)
    0.1111
    """
    alarm, miss = matrix[0, 1] - matrix[0, 0], matrix[1, 0] - matrix[1, 1]
    if alarm <= 0 or miss <= 0:  # one call never costs more than the other
        return 0.0 if alarm <= 0 else 1.0 + 1e-6
    return float(alarm / (alarm + miss))


def cost_metric(matrix: np.ndarray) -> MetricDefinition:
    """The mean cost of a row, as a metric of labels."""

    def losses(truth: np.ndarray, label: np.ndarray) -> np.ndarray:
        each: np.ndarray = matrix[truth, label]
        return each

    influence = v.mean_of(losses)
    return MetricDefinition(
        NAME,
        "mean cost of a row",
        ("binary", "multiclass"),
        "label",
        lambda truth, label: influence(truth, label)[0],
        higher_is_better=False,
        influence=influence,
        scale="log",
    )


def costs_of(matrix: np.ndarray, truth: np.ndarray, label: np.ndarray, classes: Sequence[str]) -> Costs:
    """What the calls cost beside always calling one class, on the same rows."""
    metric = cost_metric(matrix)
    constant = {name: _mean(metric, truth, np.full(len(truth), i)) for i, name in enumerate(classes)}
    return Costs(tuple(tuple(row) for row in matrix.tolist()), _mean(metric, truth, label), constant)


def _mean(metric: MetricDefinition, truth: np.ndarray, label: np.ndarray) -> Metric:
    assert metric.influence is not None
    value, influences = metric.influence(truth, label)
    bounds = around(value, error_of(influences), "log", rows_worth(influences))
    return Metric(value, *bounds, higher_is_better=False)


def told(costs: Costs) -> str:
    """The cost of the model and of the cheapest constant answer, in a sentence."""
    name, always = min(costs.constant.items(), key=lambda item: item[1].value)
    verdict = "less" if costs.mean.high < always.low else "more" if costs.mean.low > always.high else "not surely less"
    return (
        f"A row costs {_spread(costs.mean)} on average, {verdict} than always calling `{name}`, "
        f"which costs {_spread(always)}."
    )


def _spread(metric: Metric) -> str:
    return f"{metric.value:.3g} ({metric.low:.3g} to {metric.high:.3g})"
