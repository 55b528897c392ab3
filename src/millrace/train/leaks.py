"""Which single column gives the answer away: usually something written down only after the outcome was known."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import monotonic

import numpy as np
import polars as pl

from millrace.evaluate.ranking import roc_auc
from millrace.records.signature import Field
from millrace.train.encode import numbers, texts
from millrace.train.selection import told

#: A column that alone ranks or explains the target this well is suspected.
SUSPICIOUS = 0.999
#: Values seen this often on average can be told from values that merely name their row.
_ROWS_PER_VALUE = 5
#: More rows than this tell nothing more of a column.
_ROWS = 50_000
#: A column that rises with time in this share of the steps counts, if it knows this share of its rows by different
#: values and so much of the target's variance lies between its stretches (beyond chance).
_RISES, _DISTINCT, _TELLS, _FEWEST_STEPS = 0.999, 0.5, 0.02, 20


def leak_warnings(
    frame: pl.DataFrame, fields: Sequence[Field], truth: np.ndarray, target: str, until: float = inf
) -> tuple[str, ...]:
    """A warning for each column that alone predicts the target almost perfectly; nothing is dropped.

    Two signs: the target is a function of the column's values (share of rows in their value's largest class, or the
    share of the target's variance that the values explain, at least 0.999), or, of two classes, the column ranks them
    (ROC AUC at least 0.999 either way). No column is looked at after the `time.monotonic` `until`; a note says so.

    Examples
    --------
    >>> frame = pl.DataFrame({"refunded": ["y", "n"] * 10, "age": [30, 41, 30, 55] * 5})
    >>> leak_warnings(frame, [Field("refunded", "category")], np.array([1, 0] * 10), "returned")
    ('Warning: `refunded` alone predicts `returned` almost perfectly. If it is known only after the outcome, \
name it under model.drop.',)
    """
    every = -(-len(truth) // _ROWS)
    frame, truth = frame.gather_every(every), truth[::every]
    found, seen = [], 0
    for field in fields:
        if monotonic() > until:
            break
        seen += 1
        if _tells(frame, field, truth):
            found.append(
                f"Warning: `{field.name}` alone predicts `{target}` almost perfectly. If it is known only after the "
                "outcome, name it under model.drop."
            )
    if seen < len(fields):
        found.append(f"Leaks were looked for in {seen:,} of {len(fields):,} columns only: the budget is short.")
    return tuple(found)


def counter_warnings(
    frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray, target: str, time: pl.Series | None = None
) -> tuple[str, ...]:
    """A warning for each column of whole numbers that counts on with time, and along which the target changes.

    What rows yet to come have in it lies beyond all that was learned. Counting on is to rise or fall with `time` (any
    type that sorts, one for each row), with a date among the fields, or with the order of the rows; half of its values
    at least must differ. That the target changes is judged by `selection.told`; `goals` float64 ``[rows, outputs]``.

    Examples
    --------
    >>> frame = pl.DataFrame({"invoice": [100 + 3 * n for n in range(60)], "age": [30, 41, 35] * 20})
    >>> fields = [Field("invoice", "integer"), Field("age", "integer")]
    >>> (found,) = counter_warnings(frame, fields, np.array([[0.0]] * 40 + [[1.0]] * 20), "returned")
    >>> print(found.split(". ")[0])
    Warning: `invoice` counts on with the order of the rows, and `returned` changes along it
    """
    every = -(-frame.height // _ROWS)
    frame, goals = frame.gather_every(every), goals[::every]
    orders = {} if time is None else {f"`{time.name}`": time.gather_every(every)}
    orders |= {f"`{field.name}`": frame[field.name] for field in fields if field.type in ("date", "datetime")}
    orders["the order of the rows"] = pl.Series(range(frame.height))
    found = []
    for field in fields:
        column = frame[field.name]
        if field.type != "integer" or column.n_unique() < _DISTINCT * frame.height:
            continue
        along = next((name for name, order in orders.items() if _rises(column, order)), None)
        if along is not None and told(frame, [field], goals)[0] >= _TELLS:
            judged = "" if time is not None else ", or let the latest rows judge with model.split.time"
            found.append(
                f"Warning: `{field.name}` counts on with {along}, and `{target}` changes along it. New rows lie beyond "
                f"all that was learned: name it under model.drop{judged}."
            )
    return tuple(found)


def _rises(column: pl.Series, order: pl.Series) -> bool:
    """Whether nearly every step in the order leads up, or nearly every one down; equal moments lead nowhere."""
    pairs = pl.DataFrame({"value": column, "order": order}).drop_nulls()
    steps = pairs.group_by("order").agg(pl.col("value").cast(pl.Float64).median()).sort("order")["value"].diff()[1:]
    if len(steps) < _FEWEST_STEPS:
        return False
    return max(int((steps > 0).sum()), int((steps < 0).sum())) >= _RISES * len(steps)


def _tells(frame: pl.DataFrame, field: Field, truth: np.ndarray) -> bool:
    if not field.numeric:
        return _explains(texts(frame, field.name).rank("dense").to_numpy(), truth)
    column = numbers(frame, field.name)
    if _explains(column, truth):
        return True
    if truth.dtype == np.int64:
        return len(np.unique(truth)) == 2 and _ranks(column, truth)
    return _proportional(column, truth)


def _explains(column: np.ndarray, truth: np.ndarray) -> bool:
    _, codes = np.unique(column, return_inverse=True)
    counts = np.bincount(codes)
    if len(counts) < 2 or len(codes) < _ROWS_PER_VALUE * len(counts):
        return False
    if truth.dtype == np.int64:
        table = np.zeros((len(counts), int(truth.max()) + 1))
        np.add.at(table, (codes, truth), 1)
        return bool(table.max(axis=1).sum() >= SUSPICIOUS * len(truth) > table.sum(axis=0).max())
    means = np.bincount(codes, truth) / counts
    return bool(np.var(means[codes]) >= SUSPICIOUS * np.var(truth))


def _ranks(column: np.ndarray, truth: np.ndarray) -> bool:
    known = np.isfinite(column)
    if known.mean() < SUSPICIOUS or len(np.unique(truth[known])) < 2:
        return False
    area = roc_auc(truth[known], column[known])
    return max(area, 1 - area) >= SUSPICIOUS


def _proportional(column: np.ndarray, truth: np.ndarray) -> bool:
    known = np.isfinite(column)
    if known.mean() < SUSPICIOUS or np.ptp(column[known]) == 0:
        return False
    return bool(np.corrcoef(column[known], truth[known])[0, 1] ** 2 >= SUSPICIOUS)
