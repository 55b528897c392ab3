"""How the rows of a column are spread, in few enough cells to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from millrace.records.profile import ColumnProfile
from millrace.records.spread import Spread

#: Cells of a picture, besides those for what lies beyond the reference and for no value.
_CELLS = 8


def spread(column: str, reference: ColumnProfile, current: ColumnProfile) -> Spread:
    """The shares of all rows in the same cells of both; where both have none, there is no cell.

    Examples
    --------
    >>> usual = ColumnProfile("category", 10, 1, (6, 3, 0), values=("a", "b"))
    >>> now = ColumnProfile("category", 10, 4, (0, 3, 3), values=("a", "b"))
    >>> print(spread("plan", usual, now).drawn(width=4))
    plan        usual       now
    a           ████  60 %         0 %
    b           ██    30 %  ██    30 %
    all others         0 %  ██    30 %
    no value    ▋     10 %  ██▋   40 %
    """
    laid = _values if reference.kind == "category" else _ranges
    cells = [*laid(reference, current), ("no value", reference.missing, current.missing)]
    shown = [(name, before, now) for name, before, now in cells if before or now]
    return Spread(
        column,
        tuple(name for name, _, _ in shown),
        tuple(before / max(reference.rows, 1) for _, before, _ in shown),
        tuple(now / max(current.rows, 1) for _, _, now in shown),
    )


def _values(reference: ColumnProfile, current: ColumnProfile) -> Iterator[tuple[str, int, int]]:
    """The most frequent values of either, in the order of the reference, and all others together."""
    shares = [np.array(one.counts[:-1]) / max(one.rows, 1) for one in (reference, current)]
    most = set(np.argsort(-np.maximum(*shares), kind="stable")[:_CELLS].tolist())
    for place, name in enumerate(reference.values):
        if place in most:
            yield name, reference.counts[place], current.counts[place]
    others = [place for place in range(len(reference.counts)) if place not in most]
    yield (
        "all others",
        sum(reference.counts[place] for place in others),
        sum(current.counts[place] for place in others),
    )


def _ranges(reference: ColumnProfile, current: ColumnProfile) -> Iterator[tuple[str, int, int]]:
    """Neighbouring cells together until each holds about as many rows of the reference, and what lies beyond."""
    before, now, edges = reference.counts, current.counts, reference.edges
    if len(before) < 3:
        yield "all values", sum(before), sum(now)
        return
    yield f"below {_short(edges[0])}", before[0], now[0]
    usual = np.array(before[1:-1], dtype=np.float64)
    middle = (np.cumsum(usual) - usual / 2) / max(usual.sum(), 1)
    part = np.minimum((middle * _CELLS).astype(int), _CELLS - 1)
    for one in np.unique(part):
        places = np.flatnonzero(part == one) + 1
        first, last = int(places[0]), int(places[-1])
        while first < last and not before[first] and not now[first]:  # between two values that occur lies nothing
            first += 1
        low, high = _short(edges[first - 1]), _short(edges[last])
        name = low if low == high else f"{low} to {high}"
        yield name, sum(before[first : last + 1]), sum(now[first : last + 1])
    yield f"above {_short(edges[-1])}", before[-1], now[-1]


def _short(number: float) -> str:
    if abs(number) < 1e-300:  # the end of a cell of zeros alone
        return "0"
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e9 else f"{number:.4g}"
