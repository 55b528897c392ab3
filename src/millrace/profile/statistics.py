"""The statistics behind a drift verdict: how sure, and how far, from counts alone.

Two questions are kept apart. A p-value says whether chance explains a difference; with enough rows nothing is chance.
The Le Cam distance says how far two distributions are apart, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: Whole numbers, or parts of them where several rows stand for one.
    Counts = NDArray[np.int64 | np.float64]

Name = TypeVar("Name", bound=Hashable)

#: Cells expected to hold fewer rows, in either sample, are joined; below it the chi-squared law is no longer a fair
#: approximation (Cochran 1954).
EXPECTED = 5.0


def join(reference: Counts, current: Counts, *, ordered: bool, most: int | None = None) -> tuple[Counts, Counts]:
    """The counts of both samples with thin cells joined: every cell is expected to hold `EXPECTED` rows in either.

    `ordered` cells are joined with their neighbours; of others all thin ones become one cell, together with the values
    never seen, since rare values come and go by chance. The reference alone decides what is thin, so that joining does
    not look at what is tested.

    Examples
    --------
    >>> import numpy as np
    >>> join(np.array([40, 2, 50, 3]), np.array([38, 4, 49, 4]), ordered=False)
    (array([50, 40,  5]), array([49, 38,  8]))
    """
    n, m = float(reference.sum()), float(current.sum())
    least = EXPECTED * max(1.0, n / m) if m else EXPECTED
    if most is not None:
        least = max(least, n / (most + 1))
    groups = _neighbours(reference, least) if ordered else _rare(reference, least)
    before, now = (np.bincount(groups, counts).astype(counts.dtype) for counts in (reference, current))
    return before, now


def _neighbours(reference: Counts, least: float) -> NDArray[np.intp]:
    """For each cell the number of its group: neighbours until they hold `least` rows."""
    groups = np.zeros(reference.size, dtype=np.intp)
    group, held = 0, 0
    for cell, rows in enumerate(reference.tolist()):
        if held >= least:
            group, held = group + 1, 0
        groups[cell] = group
        held += rows
    if held < least and group:
        groups[groups == group] = group - 1
    return groups


def _rare(reference: Counts, least: float) -> NDArray[np.intp]:
    """For each cell the number of its group: its own, or the last one of all that hold less than `least` rows."""
    order = np.argsort(-reference, kind="stable")
    kept = int((reference >= least).sum())
    if reference[order[kept:]].sum() < least:
        kept -= 1
    groups = np.empty(reference.size, dtype=np.intp)
    groups[order] = np.clip(np.arange(reference.size), 0, max(kept, 0))
    return groups


def chi_squared(reference: Counts, current: Counts, *, laid: bool) -> tuple[float, float]:
    """Pearson's two-sample statistic of homogeneity and its p-value, from joined counts.

    Where the ends of the cells were `laid` so that the reference fills them in given shares, its counts are no sample:
    those of the current rows are Dirichlet-multinomial around these shares, and their variance, not the observed
    counts, belongs in the denominator. Of both statistics the smaller one is then taken, which keeps the promise
    whether the column is continuous or has few values. A single cell gives (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> statistic, p = chi_squared(np.array([30, 70]), np.array([50, 50]), laid=False)
    >>> round(statistic, 3), round(p, 5)
    (8.333, 0.00389)
    """
    from scipy.special import chdtrc

    n, m = float(reference.sum()), float(current.sum())
    if not n or not m or reference.size < 2:
        return 0.0, 1.0
    squared = (current - reference * (m / n)) ** 2 * (n / m)
    statistic = float((squared / (reference + current)).sum())
    if laid:
        statistic = min(statistic, float((squared / (reference * ((n + m) / n))).sum()))
    return statistic, float(chdtrc(reference.size - 1, statistic))


def directed(reference: Counts, current: Counts, *, laid: bool) -> tuple[float, float]:
    """p-values of a changed place and of a changed spread, from joined counts of ordered cells.

    A chi-squared statistic looks into every direction alike; the mean rank, and the mean squared distance of ranks from
    the middle, look into the two in which numbers mostly move (Wilcoxon 1945, Mood 1954, with ties). Ranks are those
    of the reference; `laid` as of `chi_squared`. A single cell gives (1, 1).

    Examples
    --------
    >>> import numpy as np
    >>> place, spread = directed(np.array([50, 50, 50, 50]), np.array([40, 45, 55, 60]), laid=False)
    >>> round(place, 3), round(spread, 3)
    (0.116, 1.0)
    """
    from scipy.special import chdtrc

    n, m = float(reference.sum()), float(current.sum())
    if not n or not m or reference.size < 2:
        return 1.0, 1.0
    known, both = reference / n, (reference + current) / (n + m)
    rank = np.cumsum(known) - known / 2 - 0.5
    found = []
    for score in (rank, rank**2):
        moved = float(score @ (current / m - known))
        shares = (both, known) if laid else (both,)
        variance = max(float(one @ score**2 - (one @ score) ** 2) for one in shares) * (1 / n + 1 / m)
        found.append(float(chdtrc(1, moved**2 / variance)) if variance > 1e-15 / m else 1.0)
    return found[0], found[1]


def le_cam_distance(reference: Counts, current: Counts) -> float:
    """How far apart two distributions are, from 0 (equal) to 1 (nothing in common), freed of sampling noise.

    The square root of half the triangular discrimination ``sum((p - q)² / (p + q))`` (Le Cam 1986). What mere chance
    adds to each ``(p - q)²`` is subtracted, so the value does not depend on the numbers of rows; what is then below
    zero is 0. A mean that moves by a small part d of a standard deviation gives d / 2, and so does a share that moves
    from one half by d / 2.

    Examples
    --------
    >>> import numpy as np
    >>> round(le_cam_distance(np.array([50_000, 50_000]), np.array([60_000, 40_000])), 2)
    0.1
    """
    n, m = float(reference.sum()), float(current.sum())
    if n < 2 or m < 2:
        return 0.0
    p, q = reference / n, current / m
    noise = p * (1 - p) / (n - 1) + q * (1 - q) / (m - 1)
    held = p + q > 0
    squared = (((p - q) ** 2 - noise)[held] / (p + q)[held]).sum() / 2
    return float(np.sqrt(max(squared, 0.0)))


def more_often(reference: int, n: int, current: int, m: int) -> float:
    """p-value of `current` of `m` rows when chance alone raised the share from `reference` of `n` (Fisher 1935).

    Examples
    --------
    >>> round(more_often(1, 10, 6, 10), 4)
    0.0286
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(current - 1, n + m, reference + current, m)) if n and m else 1.0


def beyond(n: int, current: int, m: int) -> float:
    """p-value of `current` of `m` values outside the range of `n` earlier ones, all drawn alike.

    The number outside is beta-binomial (m; 2, n - 1) for any continuous distribution, since new values fall into each
    of the n + 1 gaps between old ones alike and two gaps are outer ones (exceedances: Gumbel and von Schelling 1950);
    ties only make it smaller.

    Examples
    --------
    >>> round(beyond(99, 5, 100), 3)
    0.108
    """
    from scipy.stats import betabinom

    return float(betabinom.sf(current - 1, m, 2, n - 1)) if n > 1 and m else 1.0


def holm(p_values: Mapping[Name, float], alpha: float) -> frozenset[Name]:
    """Which of many hypotheses fall when the chance that even one falls wrongly must stay below `alpha` (Holm 1979).

    Examples
    --------
    >>> sorted(holm({"a": 0.001, "b": 0.04, "c": 0.03}, 0.05))
    ['a']
    """
    fallen = set()
    for tried, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > alpha / (len(p_values) - tried):
            break
        fallen.add(name)
    return frozenset(fallen)
