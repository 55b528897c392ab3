"""What can be wrong with a column, each as one finding: how sure, how far, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.profile.statistics import beyond, chi_squared, join, le_cam_distance, more_often
from millrace.records.profile import ColumnProfile


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


def findings(reference: ColumnProfile, current: ColumnProfile) -> tuple[Finding, ...]:
    """Everything that can be said of one column; the two profiles count in the same cells."""
    found = [_drift(reference, current)]
    missing = reference.missing + current.missing
    if 0 < missing < reference.rows + current.rows:  # otherwise nothing could differ, whatever happened
        found.append(_missing(reference, current))
    if reference.kind == "category":
        if not reference.counts[-1]:
            found.append(_unseen(reference, current))
    elif reference.edges:
        found.append(_out_of_range(reference, current))
    return tuple(found)


def _drift(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    category = reference.kind == "category"
    before, now = join(np.array(reference.counts), np.array(current.counts), ordered=not category)
    statistic, p_value = chi_squared(before, now, laid=not category)
    sentence = _shares(reference, current) if category else _moments(reference, current)
    return Finding("drift", "chi_squared", statistic, p_value, le_cam_distance(before, now), sentence)


def _missing(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    more = more_often(reference.missing, reference.rows, current.missing, current.rows)
    fewer = more_often(current.missing, current.rows, reference.missing, reference.rows)
    before, now = _share(reference.missing, reference.rows), _share(current.missing, current.rows)
    return Finding(
        "missing",
        "missing_share",
        now,
        min(1.0, 2 * min(more, fewer)),
        _distance(reference.missing, reference.rows, current.missing, current.rows),
        f"the share of rows without a value went from {before:.1%} to {now:.1%}",
    )


def _unseen(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    strangers = current.counts[-1]
    share = _share(strangers, current.present)
    names = ", ".join(f"`{name}`" for name in current.strangers)
    return Finding(
        "unseen",
        "unseen_share",
        share,
        _surprise(reference, strangers, current.present),
        _distance(0, reference.present, strangers, current.present),
        f"{share:.1%} of the values were never seen in the reference" + (f", such as {names}" if names else ""),
    )


def _out_of_range(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    # Between the values of a column that has only a few there are empty cells too: 2.5 is no number of rooms.
    cells = zip(reference.counts, current.counts, strict=True)
    outside = sum(now for before, now in cells if not before)
    share = _share(outside, current.present)
    unit = " characters" if reference.kind == "text" else ""
    return Finding(
        "range",
        "out_of_range_share",
        share,
        max(
            beyond(reference.present, outside, current.present),
            _surprise(reference, outside, current.present),
        ),
        _distance(0, reference.present, outside, current.present),
        f"{share:.1%} of the values are unlike any in the reference, "
        f"which lie from {_short(reference.low)} to {_short(reference.high)}{unit}",
    )


def _surprise(reference: ColumnProfile, strangers: int, m: int) -> float:
    """p-value of so many values in empty cells; values seen once stand for those not yet seen (Good 1953)."""
    once = sum(count == 1 for count in reference.counts)
    return more_often(min(once + 1, reference.present), reference.present, strangers, m)


def _distance(reference: int, n: int, current: int, m: int) -> float:
    return le_cam_distance(np.array([reference, n - reference]), np.array([current, m - current]))


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
