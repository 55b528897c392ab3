"""How much served rows depend on those before them: learned from the first windows after a release, and then kept.

A model that was just released is taken to see the world as it usually is. So what follows later does not teach the
monitor that it is usual: neither a slow drift nor one that nobody acts on makes itself unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from millrace.monitor.look import MINIMUM_ROWS
from millrace.monitor.spending import Spent
from millrace.profile.dependence import BLOCKS, RETURNS, dependence
from millrace.records.profile import ColumnDependence, Profile

if TYPE_CHECKING:
    import polars as pl

#: Windows after the release from which it is learned; it is learned anew whenever their number has doubled.
LEARN = 8


def learn(
    rows: pl.DataFrame,
    recent: pl.DataFrame,
    window: float,
    before: Spent | None,
    count: Callable[[pl.DataFrame], Profile],
) -> tuple[dict[str, ColumnDependence], int]:
    """How the rows of each column depend on those before, and from how many whole windows that is known.

    `rows` are all that the package answered, oldest first, and `recent` those that are judged. What is judged teaches
    nothing while there is anything else; nor does anything once there was an alarm. `count` makes a block's profile.
    """
    import polars as pl

    start = rows["at"][0]
    passed = (recent["at"][0] - start).total_seconds() / window if recent.height < rows.height else 0.0
    windows = 1 << (min(int(passed), LEARN).bit_length() - 1) if passed >= 1 else 0
    if before is not None and before.learned and (windows <= before.learned or before.alarmed):
        return dict(before.dependence), before.learned
    if not windows:
        return dependence([count(block) for block in _alike(_looked_at(recent, before), BLOCKS)]), 0
    seen = rows.filter(pl.col("at") < start + timedelta(seconds=windows * window))
    hours = _by_time(seen, window / BLOCKS) if windows >= RETURNS else []
    if _filled(hours) >= BLOCKS * RETURNS:
        return dependence([count(block) for block in hours], BLOCKS), windows
    return dependence([count(block) for block in _alike(seen, BLOCKS * windows)]), windows


def _looked_at(recent: pl.DataFrame, before: Spent | None) -> pl.DataFrame:
    """Of the first window what an earlier look saw, if those are enough rows: a change since then is news."""
    earlier = recent.filter(recent["at"] <= datetime.fromisoformat(before.newest)) if before else recent.head(0)
    return earlier if earlier.height >= MINIMUM_ROWS else recent


def _alike(rows: pl.DataFrame, blocks: int) -> list[pl.DataFrame]:
    """`rows` in blocks of equal numbers of rows."""
    ends = np.linspace(0, rows.height, min(blocks, rows.height) + 1).astype(int).tolist()
    return [rows[first:end] for first, end in pairwise(ends)]


def _by_time(rows: pl.DataFrame, seconds: float) -> list[pl.DataFrame]:
    """`rows` in blocks of equal time, empty ones among them."""
    since = (rows["at"] - rows["at"][0]).dt.total_microseconds().to_numpy() / 1e6
    ends = np.searchsorted(since, np.arange(int(since[-1] // seconds) + 2) * seconds).tolist()
    return [rows[first:end] for first, end in pairwise(ends)]


def _filled(blocks: list[pl.DataFrame]) -> float:
    """How many blocks of equal size would tell as much."""
    rows = np.array([block.height for block in blocks], dtype=np.float64)
    return float(rows.sum() ** 2 / np.square(rows).sum()) if rows.any() else 0.0
