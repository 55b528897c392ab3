"""Where a model does worst: groups of rows with surely larger losses than all others, found without being told where.

Looked at are all values and quarters of every column, and all pairs of two columns. So many questions find something by
chance, so a group counts only if its p-value survives Holm's correction (1979) over all that was asked, and intervals
hold for all groups at once (Bonferroni). Within a group of a group only the one that says more is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.evaluate.groups import Group, groups
from millrace.evaluate.probabilities import brier_losses
from millrace.records.fit import Answer
from millrace.records.metric import Metric
from millrace.records.signature import Signature
from millrace.records.weakest import Weakest, WeakGroup

_ROWS, _FEWEST, _SHARE = 20_000, 30, 0.02
_GROUPS, _SHOWN = 300, 6
#: Groups that share more than this of their rows tell the same.
_SAME = 0.6


@dataclass(frozen=True, slots=True)
class Slice:
    """A group of rows: its name, its rows, its mean loss, and by how much that is above the others' mean."""

    name: str
    rows: int
    loss: Metric
    excess: Metric
    members: np.ndarray


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst groups, and how many were looked at."""

    slices: tuple[Slice, ...]
    looked_at: int


def worst_slices(frame: pl.DataFrame, signature: Signature, losses: np.ndarray, order: Sequence[str] = ()) -> Worst:
    """The groups of rows whose mean loss is surely above that of all other rows, worst first, at most six.

    Parameters
    ----------
    losses
        What each row costs, float64 ``[rows]``.
    order
        Columns by importance; where there are too many groups, those of the first columns are looked at.
    """
    if len(losses) > _ROWS:
        every = -(-len(losses) // _ROWS)
        frame, losses = frame.gather_every(every), losses[::every]
    fewest = max(_FEWEST, int(_SHARE * len(losses)))
    found = [one for one in groups(frame, signature, order) if fewest <= one.members.sum() <= len(losses) - fewest]
    found = found[:_GROUPS]
    if not found:
        return Worst((), 0)
    table = _table(found, losses, fewest)
    return Worst(_chosen(found, losses, table), len(table.first))


@dataclass(frozen=True, slots=True)
class _Table:
    """Parallel arrays over all groups and pairs of groups: who they are, rows, mean loss, excess and its error."""

    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    mean: np.ndarray
    excess: np.ndarray
    error: np.ndarray
    freedom: np.ndarray


def losses_of(answer: Answer, truth: np.ndarray) -> tuple[np.ndarray, str]:
    """What each row costs, float64 ``[rows]``, and what that is called."""
    if answer.value is not None:
        return np.abs(truth - answer.value.astype(np.float64)), "mean absolute error"
    if answer.probabilities is not None:
        score = answer.probabilities[:, 1] if answer.probabilities.shape[1] == 2 else answer.probabilities
        return brier_losses(truth, score), "mean squared error of the probabilities (brier)"
    assert answer.label is not None
    return (answer.label != truth).astype(np.float64), "share of rows called wrongly"


def weakest(
    frame: pl.DataFrame, signature: Signature, truth: np.ndarray, answer: Answer, order: Sequence[str] = ()
) -> Weakest:
    """The worst groups of rows with these answers, as a record."""
    losses, name = losses_of(answer, truth)
    worst = worst_slices(frame, signature, losses, order)
    told = tuple(WeakGroup(one.name, one.rows, one.loss, one.excess) for one in worst.slices)
    return Weakest(name, float(losses.mean()), worst.looked_at, told)


def _table(found: Sequence[Group], losses: np.ndarray, fewest: int) -> _Table:
    members = np.array([one.members for one in found], np.float64)
    columns = np.array([one.column for one in found])
    rows, sums, squares = (members * of @ members.T for of in (1.0, losses, losses**2))
    first, second = np.triu_indices(len(found))
    kept = (rows[first, second] >= fewest) & ((first == second) | (columns[first] != columns[second]))
    first, second = first[kept], second[kept]
    count, total, square = rows[first, second], sums[first, second], squares[first, second]
    others = len(losses) - count
    mean, rest = total / count, (losses.sum() - total) / others
    own = np.maximum(square / count - mean**2, 0.0) / (count - 1)
    theirs = np.maximum(((losses**2).sum() - square) / others - rest**2, 0.0) / np.maximum(others - 1, 1)
    variance = np.maximum(own + theirs, 1e-300)
    freedom = variance**2 / np.maximum(own**2 / (count - 1) + theirs**2 / np.maximum(others - 1, 1), 1e-300)
    return _Table(first, second, count, mean, mean - rest, np.sqrt(variance), np.clip(freedom, 1, 1e6))


def _chosen(found: Sequence[Group], losses: np.ndarray, table: _Table) -> tuple[Slice, ...]:
    from scipy.stats import t

    asked = len(table.first)
    sure = _holm(t.sf(table.excess / table.error, table.freedom))
    reach = t.ppf(1 - 0.025 / asked, table.freedom) * table.error
    alone = {int(i): float(mean) for i, j, mean in zip(table.first, table.second, table.mean, strict=True) if i == j}
    slices: list[Slice] = []
    for at in np.argsort(-(table.excess - reach), kind="stable"):
        i, j = int(table.first[at]), int(table.second[at])
        if not sure[at] or len(slices) == _SHOWN:
            break
        more = table.mean[at] - max(alone.get(i, -np.inf), alone.get(j, -np.inf))
        members = found[i].members & found[j].members
        if (i != j and more < table.error[at]) or any(_overlap(members, one.members) > _SAME for one in slices):
            continue
        name = found[i].name if i == j else f"{found[i].name} and {found[j].name}"
        own = losses[members]
        width = float(t.ppf(1 - 0.025 / asked, len(own) - 1)) * float(own.std(ddof=1)) / len(own) ** 0.5
        mean, excess, far = float(table.mean[at]), float(table.excess[at]), float(reach[at])
        loss = Metric(mean, mean - width, mean + width, higher_is_better=False)
        slices.append(
            Slice(name, len(own), loss, Metric(excess, excess - far, excess + far, higher_is_better=False), members)
        )
    return tuple(slices)


def _holm(p: np.ndarray) -> np.ndarray:
    """Which p-values hold at 5 % over all of them (Holm, 1979)."""
    order = np.argsort(p)
    holds = p[order] <= 0.05 / (len(p) - np.arange(len(p)))
    sure = np.zeros(len(p), bool)
    sure[order[: len(p) if holds.all() else int(np.argmin(holds))]] = True
    return sure


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
