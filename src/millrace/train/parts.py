"""The parts of a table: what judges, what is learned from, and what takes turns in validating it."""

from __future__ import annotations

import numpy as np
import polars as pl

from millrace.config.schema import SplitSettings
from millrace.errors import TrainingError
from millrace.train.split import Folds, Mask, apart, dealt_again, folds, given, holdout, sealed
from millrace.train.target import Target

#: With more training rows, fewer folds tell as much.
_FIVE_FOLDS, _THREE_FOLDS = 30_000, 100_000
#: What `given` says of a row.
TRAIN, VALIDATION, TEST = 0, 1, 2


def judged(frame: pl.DataFrame, keys: np.ndarray, strata: np.ndarray, split: SplitSettings) -> Mask:
    """Which rows judge: those that a column says, or the lowest keys of every stratum."""
    if split.column is not None:
        parts = given(frame, split.column)
        if not {TRAIN, TEST} <= set(parts.tolist()):
            raise TrainingError(
                f"`{split.column}` names no row for each of `train` and `test`.",
                where="model.split.column",
                code="train.split",
            )
        return np.asarray(parts == TEST)
    return sealed(keys, strata, split.test)


def strata_of(target: Target, split: SplitSettings) -> np.ndarray:
    """Classes where rows are split by hash; time and groups cut across classes."""
    if target.task == "regression" or split.by:
        return np.zeros(len(target.truth), dtype=np.int64)
    return target.truth


def gap_of(rows: pl.DataFrame, split: SplitSettings) -> float:
    """The gap of a time split in the unit of its column: days of dates, seconds of datetimes."""
    if split.gap is None or split.time is None:
        return 0.0
    kind = rows[split.time].dtype
    if kind == pl.Date:
        return split.gap / 86400
    if isinstance(kind, pl.Datetime):
        return split.gap
    raise TrainingError(
        f"`{split.time}` holds {kind} values; a gap is a time between dates.",
        where="model.split.gap",
        code="train.split",
        next_step=f"give `{split.time}` the type date or datetime under `columns` of its source",
    )


def check_classes(target: Target, test: np.ndarray, learn: np.ndarray) -> None:
    """Refuse classes that nobody learns from, or that two classes' test part lacks."""
    for place, name in enumerate(target.classes):
        own = target.truth == place
        seen = "training" if not (own & learn).any() else "test" if not (own & test).any() else ""
        if seen == "training" or (seen and target.task == "binary"):
            raise TrainingError(
                f"Class `{name}` has {own.sum()} rows, and none of them fell into the {seen} part.",
                where="model.split",
                code="train.split",
                next_step="collect more rows of this class, or change model.split",
            )


def turns_of(frame: pl.DataFrame, keys: np.ndarray, strata: np.ndarray, split: SplitSettings, gap: float) -> Folds:
    """Which of the training rows in `frame` validate what the others taught, in turns."""
    parts = given(frame, split.column) if split.column else np.zeros(len(keys))
    if (parts == VALIDATION).any():
        pairs = apart(parts == VALIDATION, strata)
    elif split.time is not None or (len(keys) > _THREE_FOLDS and split.folds is None and split.repeats == 1):
        pairs = holdout(keys, strata, split.validation, gap)
    else:
        count = split.folds or (5 if len(keys) <= _FIVE_FOLDS else 3)
        orders = [dealt_again(keys, time) for time in range(split.repeats)]
        pairs = [pair for order in orders for pair in folds(order, strata, count)]
    if not pairs:
        raise TrainingError(
            "The training rows cannot be split for validation: too few of them differ.",
            where="model.split",
            code="train.split",
        )
    return pairs


def repeats(keys: np.ndarray, split: SplitSettings) -> tuple[str, ...]:
    """A note on rows that repeat the inputs of others."""
    if split.by:
        return ()
    repeated = len(keys) - len(np.unique(keys))
    if not repeated:
        return ()
    return (f"{repeated} rows repeat the inputs of another row; copies stay on one side of the split.",)
