"""The rows of a dataset that a retraining asks for, by their time, and what each of them weighs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from millrace.errors import TrainingError
from millrace.records.window import RowsUsed, Window
from millrace.train.encode import numbers
from millrace.train.target import Target

#: Fewer rows than this, or of a class, teach less than older ones that may no longer be true: then all are used.
FEWEST, OF_A_CLASS = 500, 10
#: The half-life where none is stated: this part of the time that the rows span.
_PART = 0.25
#: No row weighs less than this beside the newest: models need more than nothing of each.
_LEAST = 1e-6
_DAY = 86400.0


@dataclass(frozen=True, slots=True, eq=False)
class Windowed:
    """Which rows are used, bool ``[rows]``, what they weigh, float64 ``[rows]`` (None: all alike), and the record."""

    kept: np.ndarray
    weights: np.ndarray | None
    used: RowsUsed


def windowed(frame: pl.DataFrame, target: Target, column: str, window: Window) -> Windowed:
    """The rows of `frame` that `window` asks for, by the time in `column`.

    All of them where it holds fewer than `FEWEST`, or of a class fewer than `OF_A_CLASS` (or than there are at all).
    Rows without a time count as the oldest. Raises `TrainingError` where `column` holds no dates.

    Examples
    --------
    >>> frame = pl.DataFrame({"day": pl.Series(range(2000)).cast(pl.Date)})
    >>> target = Target("regression", (), None, np.zeros(2000))
    >>> found = windowed(frame, target, "day", Window("newest 600 days", seconds=600 * 86400))
    >>> int(found.kept.sum()), found.used.start
    (601, '1973-10-31T00:00:00+00:00')
    >>> found = windowed(frame, target, "day", Window("newest 90 days", seconds=90 * 86400))
    >>> found.used.said
    'All 2,000 rows are used: only 91 are from 1975-03-25 on, fewer than 500.'
    """
    at = _moments(frame, column)
    end = float(np.nanmax(at)) if np.isfinite(at).any() else 0.0
    everything = RowsUsed(window.rows, column, "", _iso(end), len(at), len(at), "")
    if window.weighted:
        return _weighted(at, end, window, everything)
    start = end - window.seconds if window.seconds else _parsed(window.start)
    kept: np.ndarray = np.ones(len(at), bool) if start is None else at >= start  # NaN is never
    few = window.why if start is None else _too_few(kept, target, _said(start))
    if few or start is None:
        said = f"All {len(at):,} rows are used: {few}."
        return Windowed(np.ones(len(at), bool), None, replace(everything, said=said))
    because = f": {window.why}" if window.why else ""
    said = f"{kept.sum():,} of {len(at):,} rows are used, those from {_said(start)} on{because}."
    return Windowed(kept, None, replace(everything, start=_iso(start), used=int(kept.sum()), said=said))


def from_on(frame: pl.DataFrame, column: str, start: str) -> np.ndarray:
    """Which rows of `frame` are from `start` (ISO 8601) on by `column`, bool ``[rows]``."""
    found: np.ndarray = _moments(frame, column) >= (_parsed(start) or 0.0)
    return found


def _weighted(at: np.ndarray, end: float, window: Window, everything: RowsUsed) -> Windowed:
    known = np.isfinite(at)
    oldest = float(at[known].min()) if known.any() else end
    half_life = window.half_life or max((end - oldest) * _PART, 1.0)
    age = end - np.where(known, at, oldest)
    weights = np.maximum(0.5 ** (age / half_life), _LEAST)
    worth = float(weights.sum() ** 2 / np.square(weights).sum())
    said = (
        f"All {len(at):,} rows are used, each worth half of one that is {half_life / _DAY:.3g} days newer: together "
        f"they tell as much as {worth:,.0f} alike."
    )
    return Windowed(np.ones(len(at), bool), weights, replace(everything, said=said, half_life=half_life))


def _too_few(kept: np.ndarray, target: Target, start: str) -> str:
    """What the rows are too few of; empty where they are enough."""
    if kept.sum() < FEWEST:
        return f"only {kept.sum():,} are from {start} on, fewer than {FEWEST}"
    for place, name in enumerate(target.classes):
        own = target.truth == place
        there = int((own & kept).sum())
        if there < min(OF_A_CLASS, int(own.sum())):
            return f"only {there} of class `{name}` are from {start} on, fewer than {min(OF_A_CLASS, int(own.sum()))}"
    return ""


def _moments(frame: pl.DataFrame, column: str) -> np.ndarray:
    """Seconds since 1970 in UTC, float64 ``[rows]``; NaN where there is none."""
    kind = frame[column].dtype
    if kind == pl.Date:
        return np.asarray(numbers(frame, column) * _DAY)
    if isinstance(kind, pl.Datetime):
        return np.asarray(numbers(frame, column))
    raise TrainingError(
        f"`{column}` holds {kind} values; how old a row is, only dates tell.",
        where="retrain.rows",
        code="train.split",
        next_step=f"give `{column}` the type date or datetime under `columns` of its source, or write `rows: all`",
    )


def _parsed(text: str) -> float | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _said(moment: float) -> str:
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%Y-%m-%d}" if moment % _DAY == 0 else f"{at:%Y-%m-%d %H:%M} UTC"
