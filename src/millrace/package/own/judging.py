"""How good a stranger's model is on the rows that came with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from millrace.errors import DataError, UsageError
from millrace.evaluate.judge import judge
from millrace.inference.columns import text_of
from millrace.package.own.whole import plain
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Fit


def judged(fit: Fit, truth: Sequence[Any] | None, metric: str) -> tuple[Evaluation, list[str]]:
    """How good the answers are on the sample if its truth is known, and what the card should say of it.

    Raises `DataError` for a truth that is none of the classes, `UsageError` for one of another length.
    """
    if truth is None:
        kind = fit.signature.task
        primary = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[kind]
        empty = Evaluation(kind, {}, primary, 0, classes=fit.signature.classes, positive=fit.signature.positive)
        return replace(empty, threshold=fit.threshold), ["How good it is was not measured: the sample had no truth."]
    found = judge(_truth(fit, truth), fit.answer, fit.signature, threshold=fit.threshold, metric=metric)
    return found, ["Measured on the sample it was built with; its owner says that it never saw these rows."]


def _truth(fit: Fit, values: Sequence[Any]) -> np.ndarray:
    if len(values) != fit.train_rows.height:
        raise UsageError(f"`truth` has {len(values)} values for {fit.train_rows.height} rows.", where="package")
    if fit.signature.task == "regression":
        return np.asarray(values, np.float64)
    index = {name: place for place, name in enumerate(fit.signature.classes)}
    try:
        return np.array([index[text_of(plain(value))] for value in values], np.int64)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"The truth holds {error}, which is none of the model's classes.",
            where="package",
            allowed=fit.signature.classes,
        ) from error
