"""How many rows in a row stand for one independent row, learned from the profiles of successive blocks of rows.

Rows that resemble those before them tell less than their number: the share of a cell varies from block to block more
than independent rows would let it. By how much, carried on to long blocks, is the inflation of the variance (batch
means, Schmeiser 1982; the correlation of neighbouring blocks is taken up as by Andrews and Monahan 1992). Divided by
it, counts can be tested as if their rows were independent; that it is known from so many blocks only is what
`studentised` makes up for. What returns in every window, as day and night do, is no dependence when the blocks cover
enough windows to see it return.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from millrace.records.profile import ColumnDependence, ColumnProfile, Dependence, Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Blocks into which a window is divided: enough to see them vary, each long enough to hold several rows.
BLOCKS = 24
#: Windows that must have been seen before what returns in each of them is told from dependence.
RETURNS = 3
#: Evidence below it, over all that is looked at in a column, is taken as none: the rows are independent.
_DOUBT = 0.05
#: Values of a category that are followed one by one.
_VALUES = 5
#: Neighbouring blocks more alike than this are taken to be just that alike; beyond, nothing could be told at all.
_ALIKE = 0.95


def dependence(blocks: Sequence[Profile], phases: int = 0) -> dict[str, ColumnDependence]:
    """How much the rows of each column depend on those before, from successive `blocks`, which count in the same cells.

    `phases` is how many blocks make one window, when they are blocks of equal time; then what returns in every window
    is left out, if there are `RETURNS` windows.
    """
    phase = np.arange(len(blocks)) % phases if phases and len(blocks) >= RETURNS * phases else None
    return {
        name: _column([block.columns[name] for block in blocks], phase)
        for name in (blocks[0].columns if blocks else ())
    }


def _column(blocks: Sequence[ColumnProfile], phase: NDArray[np.intp] | None) -> ColumnDependence:
    counts = np.array([block.counts for block in blocks], dtype=np.float64)
    missing = np.array([(block.missing, block.present) for block in blocks], dtype=np.float64)
    return ColumnDependence(
        _inflation(counts, _directions(counts.sum(axis=0), ordered=blocks[0].kind != "category"), phase),
        _inflation(missing, np.array([[1.0], [0.0]]), phase),
    )


def _directions(counts: Floats, *, ordered: bool) -> Floats:
    """What is followed from block to block, ``[cells, directions]``: place and spread, or the most frequent values."""
    if ordered:
        rank = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1) - 0.5
        return np.stack((rank, rank**2), axis=1)
    frequent = np.argsort(-counts, kind="stable")[: min(_VALUES, counts.size)]
    return np.eye(counts.size)[:, frequent]


def _inflation(counts: Floats, directions: Floats, phase: NDArray[np.intp] | None) -> Dependence:
    """The largest inflation in any of the directions, or none where chance explains them all."""
    from scipy.special import chdtrc, ndtr

    rows = counts.sum(axis=1)
    expected = counts.sum(axis=0) / max(rows.sum(), 1)
    variance = expected @ directions**2 - (expected @ directions) ** 2
    follow = variance > 1e-12
    share, own = _usual(counts @ directions[:, follow], rows, phase)
    free = own.sum() ** 2 / max(np.square(own).sum(), 1e-300)
    if not follow.any() or free < 2:
        return Dependence()
    residuals = (counts @ directions[:, follow] - rows[:, None] * share) / np.sqrt(variance[follow])
    inflation = np.square(residuals).sum(axis=0) / own.sum()
    scaled = residuals / np.sqrt(np.maximum(rows, 1))[:, None]
    alike = (scaled[1:] * scaled[:-1]).sum(axis=0) / np.maximum(np.square(scaled).sum(axis=0), 1e-300)
    chance = np.minimum(chdtrc(free, inflation * free), ndtr(-alike * np.sqrt(free)))
    if chance.min() * 2 * chance.size > _DOUBT:
        return Dependence()
    # A correlation estimated from few blocks is too small on average, by (1 + 3r) / blocks (Kendall 1954).
    alike = np.clip(alike + (1 + 3 * alike) / free, 0.0, _ALIKE)
    whole = inflation * (1 + alike) / (1 - alike)
    worst = int(np.argmax(whole))
    return Dependence(
        max(float(whole[worst]), 1.0), max(float(free * (1 - alike[worst] ** 2) / (1 + alike[worst]) ** 2), 1.0)
    )


def _usual(sums: Floats, rows: Floats, phase: NDArray[np.intp] | None) -> tuple[Floats, Floats]:
    """What each block is expected to have per row, and how many of its rows have no part in that expectation."""
    groups = np.zeros(rows.size, dtype=np.intp) if phase is None else phase
    held = np.bincount(groups, rows)
    safe = np.maximum(held, 1)
    mean = np.stack([np.bincount(groups, column) for column in sums.T], axis=1) / safe[:, None] if sums.size else sums
    return (mean[groups] if sums.size else sums), rows * (1 - rows / safe[groups])


def studentised(p_value: float, cells: int, blocks: float | None) -> float:
    """The p-value of a chi-squared statistic of `cells` degrees of freedom whose scale is known from `blocks` only.

    As Student's t to the normal law is F to the chi-squared. None: the scale is known.

    Examples
    --------
    >>> round(studentised(0.05, 1, 10), 4), studentised(0.05, 1, None)
    (0.0784, 0.05)
    """
    from scipy.special import chdtri, fdtrc

    if blocks is None or p_value >= 1:
        return p_value
    return float(fdtrc(cells, blocks, chdtri(cells, max(p_value, 1e-300)) / cells))
