"""How many rows a budget can learn from, and which those are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from millrace.engine.clock import Clock
from millrace.records.signature import Field

#: What a second of the budget buys: so many values, on two cores, looked at by all that is learned and judged.
_VALUES_PER_SECOND = 200_000
#: A text is split into words, counted and weighed: it costs what so many values cost.
_VALUES_PER_TEXT = 100
_FEWEST = 5000


def affordable(
    frame: pl.DataFrame, fields: Sequence[Field], strata: np.ndarray, clock: Clock
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which rows are learned from and judged, bool ``[rows]``, and a note where not all of them are.

    All of them, unless a time budget is too short on this machine: then the same share of every stratum, chosen by a
    hash of the row, so that neither the order of the rows nor copies of a row matter.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": range(50_000)})
    >>> kept, notes = affordable(frame, [Field("a", "integer")], np.zeros(50_000), Clock(0.1))
    >>> int(kept.sum()), notes
    (20000, ('20,000 of 50,000 rows are used: what a budget of 0.1 s is enough for.',))
    """
    width = sum(_VALUES_PER_TEXT if field.type == "text" else 1 for field in fields)
    most = max(_VALUES_PER_SECOND * clock.budget * clock.pace / width, _FEWEST)
    if frame.height <= most:
        return np.ones(frame.height, bool), ()
    place = frame.select(field.name for field in fields).hash_rows(seed=0).to_numpy()
    kept = np.zeros(frame.height, bool)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        some = int(np.ceil(len(rows) * most / frame.height))
        kept[rows[place[rows] <= np.partition(place[rows], some - 1)[some - 1]]] = True
    slow = " on a machine that is slow or busy" if clock.pace < 1 else ""
    told = f"{kept.sum():,} of {frame.height:,} rows are used: what a budget of {clock.budget:g} s is enough for{slow}."
    return kept, (told,)
