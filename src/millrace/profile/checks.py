"""What can be wrong with a column, each as one finding: how sure, how far, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.profile.dependence import studentised
from millrace.profile.statistics import beyond, chi_squared, directed, join, le_cam_distance, more_often
from millrace.records.profile import ColumnDependence, ColumnProfile, Dependence

#: Cells of numbers that depend on those before. Their place depends on the past more than finer features do, and all
#: are tested as if they did as much: the fewer there are, the sooner a move of the place is found.
_COARSE = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check, alarming or not.

    `value` is the size of `statistic`; `effect` is the Le Cam distance, the same scale for every kind.
    """

    kind: str
    statistic: str
    value: float
    p_value: float
    effect: float
    sentence: str


def findings(
    reference: ColumnProfile, current: ColumnProfile, dependence: ColumnDependence | None = None
) -> tuple[Finding, ...]:
    """Everything that can be said of one column; the two profiles count in the same cells.

    Where rows depend on those before, as many as stand for one independent row are counted as one.
    """
    known = dependence or ColumnDependence()
    found = [_drift(reference, current, known.values)]
    missing = reference.missing + current.missing
    if 0 < missing < reference.rows + current.rows:  # otherwise nothing could differ, whatever happened
        found.append(_missing(reference, current, known.missing))
    if reference.kind == "category":
        if not reference.counts[-1]:
            found.append(_unseen(reference, current, known.values))
    elif reference.edges:
        found.append(_out_of_range(reference, current, known.values))
    return tuple(found)


def _drift(reference: ColumnProfile, current: ColumnProfile, rows: Dependence) -> Finding:
    category = reference.kind == "category"
    counts = [np.array(one.counts) if rows.blocks is None else _worth(one.counts, rows) for one in (reference, current)]
    before, now = join(*counts, ordered=not category, most=None if category or rows.blocks is None else _COARSE)
    statistic, p_value = chi_squared(before, now, laid=not category)
    sentence = _shares(reference, current) if category else _moments(reference, current)
    p_value = studentised(p_value, before.size - 1, rows.blocks)
    if not category:
        fine = join(*counts, ordered=True)
        ways = [p_value, *(studentised(way, 1, rows.blocks) for way in directed(*fine, laid=True))]
        p_value = min(1.0, len(ways) * min(ways))  # whichever way it moved, one of three says so (Bonferroni)
    return Finding("drift", "chi_squared", statistic, p_value, le_cam_distance(before, now), sentence)


def _missing(reference: ColumnProfile, current: ColumnProfile, rows: Dependence) -> Finding:
    more = _more_often(reference.missing, reference.rows, current.missing, current.rows, rows)
    fewer = _more_often(current.missing, current.rows, reference.missing, reference.rows, rows)
    before, now = _share(reference.missing, reference.rows), _share(current.missing, current.rows)
    return Finding(
        "missing",
        "missing_share",
        now,
        min(1.0, 2 * min(more, fewer)),
        _distance((reference.missing, reference.rows), (current.missing, current.rows), rows),
        f"the share of rows without a value went from {before:.1%} to {now:.1%}",
    )


def _unseen(reference: ColumnProfile, current: ColumnProfile, rows: Dependence) -> Finding:
    strangers = current.counts[-1]
    share = _share(strangers, current.present)
    names = ", ".join(f"`{name}`" for name in current.strangers)
    return Finding(
        "unseen",
        "unseen_share",
        share,
        _surprise(reference, strangers, current.present, rows),
        _distance((0, reference.present), (strangers, current.present), rows),
        f"{share:.1%} of the values were never seen in the reference" + (f", such as {names}" if names else ""),
    )


def _out_of_range(reference: ColumnProfile, current: ColumnProfile, rows: Dependence) -> Finding:
    # Between the values of a column that has only a few there are empty cells too: 2.5 is no number of rooms.
    cells = zip(reference.counts, current.counts, strict=True)
    outside = sum(now for before, now in cells if not before)
    share = _share(outside, current.present)
    unit = " characters" if reference.kind == "text" else ""
    chance = beyond(*(int(count / rows.inflation) for count in (reference.present, outside, current.present)))
    return Finding(
        "range",
        "out_of_range_share",
        share,
        max(studentised(chance, 1, rows.blocks), _surprise(reference, outside, current.present, rows)),
        _distance((0, reference.present), (outside, current.present), rows),
        f"{share:.1%} of the values are unlike any in the reference, "
        f"which lie from {_short(reference.low)} to {_short(reference.high)}{unit}",
    )


def _surprise(reference: ColumnProfile, strangers: int, m: int, rows: Dependence) -> float:
    """p-value of so many values in empty cells; values seen once stand for those not yet seen (Good 1953)."""
    once = sum(count == 1 for count in reference.counts)
    return _more_often(min(once + 1, reference.present), reference.present, strangers, m, rows)


def _more_often(before: int, n: int, now: int, m: int, rows: Dependence) -> float:
    """p-value of a share that grew; rows that stand for one are one, and what is left of one is none."""
    worth = rows.inflation
    known, new = (int(np.ceil(n / worth)), int(np.ceil(m / worth)))
    return studentised(more_often(int(np.ceil(before / worth)), known, int(now / worth), new), 1, rows.blocks)


def _worth(counts: tuple[int, ...], rows: Dependence) -> np.ndarray:
    return np.array(counts, dtype=np.float64) / rows.inflation


def _distance(reference: tuple[int, int], current: tuple[int, int], rows: Dependence) -> float:
    """The Le Cam distance of two shares, each given as (part, whole)."""
    before, now = (_worth((part, whole - part), rows) for part, whole in (reference, current))
    return le_cam_distance(before, now)


def _shares(reference: ColumnProfile, current: ColumnProfile) -> str:
    before = np.array(reference.counts) / max(reference.present, 1)
    now = np.array(current.counts) / max(current.present, 1)
    cell = int(np.argmax(np.abs(now - before)))
    name = f"`{reference.values[cell]}`" if cell < len(reference.values) else "all other values"
    return f"the share of {name} went from {before[cell]:.1%} to {now[cell]:.1%}"


def _moments(reference: ColumnProfile, current: ColumnProfile) -> str:
    what = "length" if reference.kind == "text" else "value"
    moved = abs(current.mean - reference.mean)
    if moved >= 0.1 * reference.deviation:
        return f"the mean {what} went from {_short(reference.mean)} to {_short(current.mean)}"
    return (
        f"the mean {what} stayed near {_short(reference.mean)}; "
        f"the standard deviation went from {_short(reference.deviation)} to {_short(current.deviation)}"
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _short(number: float | None) -> str:
    return "nothing" if number is None else f"{number:.4g}"
