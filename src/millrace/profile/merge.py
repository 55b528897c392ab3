"""Two profiles of different rows as the profile of all of them, without the rows."""

from __future__ import annotations

from millrace.errors import DataError
from millrace.profile.build import STRANGERS
from millrace.records.profile import ColumnProfile, Profile


def merge(one: Profile, other: Profile) -> Profile:
    """The profile of the rows of both; in any order and grouping (means up to rounding).

    Raises `DataError` when they do not count the same columns in the same cells, which profiles made with the same
    `reference` do.
    """
    if one.columns.keys() != other.columns.keys():
        odd = sorted(one.columns.keys() ^ other.columns.keys())
        raise DataError(f"Only one of the profiles has {', '.join(f'`{name}`' for name in odd)}.", where="profile")
    return Profile({name: _merge(name, column, other.columns[name]) for name, column in one.columns.items()})


def _merge(name: str, one: ColumnProfile, other: ColumnProfile) -> ColumnProfile:
    if (one.kind, one.edges, one.values) != (other.kind, other.edges, other.values):
        raise DataError(
            f"The profiles count column `{name}` in different cells.",
            where="profile",
            next_step="make both with the same reference: profile(frame, signature, reference)",
        )
    finite = one.finite + other.finite
    step = other.mean - one.mean
    # Chan, Golub and LeVeque (1979): sums of squares add up, plus what the distance of the means contributes.
    return ColumnProfile(
        kind=one.kind,
        rows=one.rows + other.rows,
        missing=one.missing + other.missing,
        counts=tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)),
        edges=one.edges,
        values=one.values,
        strangers=tuple(sorted({*one.strangers, *other.strangers})[:STRANGERS]),
        finite=finite,
        mean=(one.mean * one.finite + other.mean * other.finite) / finite if finite else 0.0,
        m2=one.m2 + other.m2 + (step * step * one.finite * other.finite / finite if finite else 0.0),
        low=min((end for end in (one.low, other.low) if end is not None), default=None),
        high=max((end for end in (one.high, other.high) if end is not None), default=None),
    )
