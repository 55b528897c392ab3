"""Rows made to be difficult for a model of which only its answers are known.

Where a model splits is found by asking it: along each column the answers of neighbouring values are compared, and
between two that differ the place of the change is halved down to two neighbouring floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from millrace.package.probes import strange
from millrace.records.signature import Field

#: Values tried along a column, changes followed of each, rows that the walk starts from, halvings until neighbours.
_GRID, _CHANGES, _STARTS, _HALVINGS = 64, 10, 3, 64

Ask = Callable[[pl.DataFrame], np.ndarray]


def varied(rows: pl.DataFrame, fields: tuple[Field, ...], ask: Ask) -> pl.DataFrame:
    """Rows at and beside the model's split points, and at the edges of each column; `ask` gives its answers.

    Fields that are required get no missing value.
    """
    found = [rows.head(0)]
    walks: list[_Walk] = []
    for place, field in enumerate(fields):
        apart = max(1, rows.height // _STARTS)
        base = rows.gather_every(apart, place % apart).head(_STARTS)
        if not field.numeric:
            found.append(_with(base, strange(rows[field.name], field, missing=not field.required)))
            continue
        found.append(_edges(rows[field.name], base, field))
        grid = _grid(rows[field.name])
        if field.type != "boolean" and len(grid) > 1:
            walks += [_Walk(base[i], rows[field.name], grid) for i in range(base.height)]
    return pl.concat([*found, *_changes(walks, ask)])


def _edges(seen: pl.Series, base: pl.DataFrame, field: Field) -> pl.DataFrame:
    known = seen.drop_nulls()
    values: list[float | None] = [] if field.required else [None]
    if known.len() and field.type != "boolean":
        low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
        beyond = max(high - low, 1.0)
        values += [low, high, low - beyond, high + beyond, 0.0]
    else:
        values += known.unique().to_list()
    return _with(base, pl.Series(field.name, values, dtype=pl.Float64, strict=False).cast(seen.dtype, strict=False))


def _with(base: pl.DataFrame, values: pl.Series) -> pl.DataFrame:
    """Each value in each row of `base`."""
    repeated = base[[i % base.height for i in range(values.len() * base.height)]]
    spread = values.gather([i // base.height for i in range(repeated.height)])
    return repeated.with_columns(spread.alias(values.name))


class _Walk:
    """Along one column from one row: `low` and `high` close in on the places where the answer changes."""

    def __init__(self, start: pl.DataFrame, seen: pl.Series, grid: np.ndarray) -> None:
        self._start, self._seen = start, seen
        self.low = self.high = grid
        self.below = self.above = np.empty((0, 0))

    def rows(self, values: np.ndarray) -> pl.DataFrame:
        """The starting row with each of the values."""
        column = pl.Series(self._seen.name, values).cast(self._seen.dtype)
        return self._start[[0] * len(values)].with_columns(column)

    def begin(self, answers: np.ndarray) -> None:
        """Keep the places between values of the grid where the answers change most."""
        steps = np.abs(np.diff(answers, axis=0)).max(axis=1)
        at = np.argsort(-steps)[: min(_CHANGES, int((steps > 0).sum()))]
        self.low, self.high = self.low[at], self.low[at + 1]
        self.below, self.above = answers[at], answers[at + 1]

    def middle(self) -> np.ndarray:
        """Halfway between."""
        middle: np.ndarray = self.low + (self.high - self.low) / 2
        return np.floor(middle) if self._seen.dtype.is_integer() else middle

    def halve(self, middle: np.ndarray, found: np.ndarray) -> None:
        """Move the end whose answer is nearer to that of the middle."""
        left = np.abs(found - self.below).max(axis=1) <= np.abs(found - self.above).max(axis=1)
        self.low, self.below = np.where(left, middle, self.low), np.where(left[:, None], found, self.below)
        self.high, self.above = np.where(left, self.high, middle), np.where(left[:, None], self.above, found)

    def ends(self) -> pl.DataFrame:
        """The rows on both sides of each change, and at the nearest float32 numbers."""
        ends = np.concatenate([self.low, self.high])
        if self._seen.dtype == pl.Float64:
            ends = np.concatenate([ends, ends.astype(np.float32).astype(np.float64)])
        return self.rows(np.unique(ends))


def _grid(seen: pl.Series) -> np.ndarray:
    known = np.unique(seen.drop_nulls().cast(pl.Float64).drop_nans().to_numpy())
    known = known[np.isfinite(known)]
    places = np.unique(np.linspace(0, len(known) - 1, min(_GRID, len(known))).astype(int))
    return np.asarray(known[places])


def _changes(walks: list[_Walk], ask: Ask) -> list[pl.DataFrame]:
    """The rows beside the changes of all walks, which ask together: a question costs more than its rows."""
    if not walks:
        return []

    def asked(values: list[np.ndarray]) -> list[np.ndarray]:
        answers = ask(pl.concat([walk.rows(some) for walk, some in zip(walks, values, strict=True)]))
        return np.split(answers, np.cumsum([len(some) for some in values])[:-1])

    for walk, answers in zip(walks, asked([walk.low for walk in walks]), strict=True):
        walk.begin(answers)
    walks = [walk for walk in walks if len(walk.low)]
    for _ in range(_HALVINGS if walks else 0):
        middles = [walk.middle() for walk in walks]
        if all(((m <= walk.low) | (m >= walk.high)).all() for m, walk in zip(middles, walks, strict=True)):
            break
        for walk, middle, found in zip(walks, middles, asked(middles), strict=True):
            walk.halve(middle, found)
    return [walk.ends() for walk in walks]
