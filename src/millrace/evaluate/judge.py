"""How good answers are on rows whose truth is known, how sure we are, and whether one model beats another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from millrace.errors import DataError
from millrace.evaluate import cells as c
from millrace.evaluate.advice import advise
from millrace.evaluate.costs import NAME, cheapest, cost_matrix, cost_metric, costs_of, indifference, told
from millrace.evaluate.measure import Judged, judged, measure
from millrace.evaluate.metrics import demand, find
from millrace.evaluate.paired import difference
from millrace.evaluate.per_class import per_class
from millrace.evaluate.raw import understand
from millrace.records.evaluation import Difference, Evaluation
from millrace.records.fit import Answer
from millrace.records.signature import Signature


def judge(
    truth: np.ndarray,
    answer: Answer,
    signature: Signature,
    *,
    threshold: float | None = None,
    metric: str = "auto",
    costs: np.ndarray | None = None,
    seed: int = 0,
) -> Evaluation:
    """How good a model's answers are: every metric with a 95 % interval, beside the trivial model's.

    Intervals are Wilson's for shares, the delta method or DeLong's for means and roc_auc, and a Bayesian bootstrap for
    the rest; see `millrace.evaluate.intervals`. The baseline always answers with these rows' class frequencies and
    their commonest class (with `costs` the cheapest), or with their mean.

    Parameters
    ----------
    truth
        Class indices int64 ``[rows]`` in the order of ``signature.classes``, or values float64 ``[rows]``.
    answer
        Labels, probabilities or values of the same rows; absent labels follow from `threshold`.
    metric
        The primary metric; ``auto`` takes the one that suits the problem, and `Evaluation.advice` says why.
    costs
        What calls cost, float64 ``[true class, called class]``; adds the metric ``cost``, which ``auto`` then takes.

    Raises
    ------
    DataError
        When there are fewer than two rows, lengths differ, or an answer is not a finite number.
    UsageError
        When the metric does not exist for this task, or is not defined for this truth.

    Examples
    --------
    >>> signature = Signature("binary", "ill", (), ("no", "yes"), "yes")
    >>> answer = Answer(label=np.array([1] * 30 + [0] * 10 + [1] * 5 + [0] * 100))
    >>> evaluation = judge(np.array([1] * 40 + [0] * 105), answer, signature)
    >>> round(evaluation.metrics["precision"].value, 3), evaluation.confusion
    (0.857, ((100, 5), (10, 30)))
    """
    answers = _checked(truth, answer, signature, threshold)
    advice = advise(answers.truth, signature, probabilities=answers.probabilities is not None)
    priced = () if costs is None or answers.label is None else (cost_metric(costs),)
    primary = _primary(metric, advice.metric, bool(priced), answers)
    binary = signature.task == "binary"
    cut = 0.5 if threshold is None and answers.probabilities is not None else threshold
    matrix = None if answers.label is None else c.confusion(answers.truth, answers.label, answers.classes)
    paid = None
    if priced and costs is not None and answers.label is not None:
        paid = costs_of(costs, answers.truth, answers.label, signature.classes)
    return Evaluation(
        task=signature.task,
        metrics=measure(answers, seed, priced),
        primary=primary,
        rows=len(answers.truth),
        advice=told(paid) if paid else advice.because,
        classes=signature.classes,
        positive=signature.positive if binary else None,
        threshold=cut if binary else None,
        confusion=() if matrix is None else tuple(tuple(row) for row in matrix.tolist()),
        per_class={} if matrix is None else per_class(matrix, signature.classes, seed),
        baseline=measure(_trivial(answers, costs), seed, priced),
        costs=paid,
    )


def _primary(metric: str, advised: str, priced: bool, answers: Judged) -> str:
    if priced and metric in ("auto", NAME):
        return NAME
    return advised if metric == "auto" else demand(metric, answers.task, answers.truth).name


def compare(
    truth: np.ndarray,
    candidate: Answer,
    reference: Answer,
    signature: Signature,
    metric: str,
    seed: int = 0,
    costs: np.ndarray | None = None,
) -> Difference:
    """Whether the candidate is better than the reference on the same rows, in one metric, beyond doubt.

    Paired: rows that are hard for both cancel out, so a difference shows that two separate intervals would hide.
    DeLong's covariance for roc_auc, the delta method for means, a paired Bayesian bootstrap for the rest.

    Raises
    ------
    DataError
        When lengths differ or an answer is not a finite number.
    UsageError
        When the metric does not exist for this task.

    Examples
    --------
    >>> signature = Signature("regression", "y", ())
    >>> truth = np.linspace(0.0, 1.0, 50)
    >>> good, bad = Answer(value=truth + 0.01), Answer(value=truth[::-1])
    >>> compare(truth, good, bad, signature, "rmse").better
    True
    """
    definition = find(metric, signature.task) if costs is None or metric != NAME else cost_metric(costs)
    new = _checked(truth, candidate, signature, None)
    old = _checked(truth, reference, signature, None)
    return difference(definition, new, old, seed)


def evaluate(  # noqa: PLR0913 each is one thing a stranger may have to say
    y_true: Any,
    y_score: Any,
    *,
    positive: Any = None,
    labels: Any = None,
    task: str = "auto",
    threshold: float | None = None,
    metric: str = "auto",
    cost: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """How good anybody's predictions are, from raw labels and scores.

    Parameters
    ----------
    y_true
        Labels or values: a list, an array, or a Polars or pandas series ``[rows]``.
    y_score
        Probabilities of the positive class ``[rows]``, of every class ``[rows, classes]``, hard labels, or values.
    positive
        The class that a binary model looks for; 1 and True speak for themselves.
    labels
        The classes in the order of the columns of `y_score`; for two: negative, positive. Default: sorted.
    task
        ``binary``, ``multiclass``, ``regression``, or ``auto`` to tell from the values.

    threshold
        From which probability on the positive is called; default 0.5, or what `cost` makes of it.
    cost
        What mistakes cost, as `millrace.evaluate.costs.cost_matrix` takes it: rows are called what is expected to cost
        least, and the metric ``cost`` is the mean cost of a row.

    Raises
    ------
    UsageError
        When lengths differ, values are missing, probabilities leave 0…1, or labels are unknown.

    Examples
    --------
    >>> evaluation = evaluate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> evaluation.task, evaluation.metrics["roc_auc"].value
    ('binary', 0.75)
    >>> evaluate([1.5, 2.5, 4.0], [1.0, 2.5, 4.5]).metrics["mae"].value.__round__(3)
    0.333
    """
    raw = understand(y_true, y_score, positive=positive, labels=labels, task=task)
    answer, matrix = raw.answer, None
    if cost is not None:
        matrix = cost_matrix(cost, raw.signature.classes)
        if raw.signature.task == "binary":
            threshold = indifference(matrix) if threshold is None else threshold
        elif answer.label is None and answer.probabilities is not None:
            answer = Answer(cheapest(answer.probabilities, matrix), answer.probabilities)
    return judge(raw.truth, answer, raw.signature, threshold=threshold, metric=metric, costs=matrix, seed=seed)


def _checked(truth: np.ndarray, answer: Answer, signature: Signature, threshold: float | None) -> Judged:
    answers = judged(truth, answer, signature.task, len(signature.classes), threshold)
    given = [a for a in (answers.label, answers.probabilities, answers.value) if a is not None]
    if not given or len(answers.truth) < 2:
        raise DataError(
            f"{len(answers.truth)} rows with {len(given)} kinds of answer cannot be judged.", where="evaluate"
        )
    lengths = {len(answers.truth), *(len(a) for a in given)}
    if len(lengths) > 1:
        raise DataError(f"Truth and answers have different lengths: {sorted(lengths)}.", where="evaluate")
    if not all(np.isfinite(a).all() for a in (answers.truth, *given)):
        raise DataError("Truth or answers hold values that are not finite numbers.", where="evaluate")
    return answers


def _trivial(answers: Judged, costs: np.ndarray | None) -> Judged:
    """The answers of a model that has seen nothing but the frequencies, or the mean, of these rows."""
    rows = len(answers.truth)
    if answers.task == "regression":
        return Judged("regression", 0, answers.truth, None, None, np.full(rows, answers.truth.mean()))
    shares = np.bincount(answers.truth, minlength=answers.classes) / rows
    commonest = int(shares.argmax()) if costs is None else int((shares @ costs).argmin())
    label = np.full(rows, commonest, dtype=np.int64)
    prior = np.full(rows, shares[1]) if answers.task == "binary" else np.tile(shares, (rows, 1))
    chances = None if answers.probabilities is None else prior
    return Judged(answers.task, answers.classes, answers.truth, label, chances, None)
