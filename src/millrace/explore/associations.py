"""How closely two columns of any kind go together, from 0 (not at all) to 1 (one tells the other)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.explore.columns import Column, as_numbers, as_texts

#: Cells per column: enough to see curves and steps, few enough for some hundred rows.
_CELLS = 10
_SAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class Associations:
    """`values[i, j]` float64 between columns `names[i]` and `names[j]`."""

    names: tuple[str, ...]
    values: np.ndarray

    def between(self, one: str, other: str) -> float:
        """The association of two columns; 0 when one of them was not compared."""
        if one not in self.names or other not in self.names:
            return 0.0
        return float(self.values[self.names.index(one), self.names.index(other)])


def associate(frame: pl.DataFrame, columns: Sequence[Column]) -> Associations:
    """Cramér's V between all pairs, corrected for chance (Bergsma 2013), on at most 100,000 rows.

    Numbers and dates are cut at their deciles, categories keep their ten most frequent values; missing is a value of
    its own. Free text and constant columns are left out.

    Examples
    --------
    >>> from millrace.explore.columns import summarise
    >>> frame = pl.DataFrame({"a": list(range(100)), "b": [-x for x in range(100)], "c": [x % 2 for x in range(100)]})
    >>> found = associate(frame, summarise(frame))
    >>> found.between("a", "b"), found.between("a", "c")
    (1.0, 0.0)
    """
    compared = [column for column in columns if column.kind != "text" and not column.constant]
    rows = frame.sample(_SAMPLE, seed=0) if frame.height > _SAMPLE else frame
    codes = {column.name: _codes(rows[column.name], column) for column in compared}
    values = np.eye(len(compared))
    for i, one in enumerate(compared):
        for j, other in enumerate(compared[:i]):
            values[i, j] = values[j, i] = _cramers_v(codes[one.name], codes[other.name])
    return Associations(tuple(codes), values)


def nearest_to(target: str, found: Associations) -> Mapping[str, float]:
    """Every other column with its association to `target`, closest first."""
    values = {name: found.between(name, target) for name in found.names if name != target}
    return dict(sorted(values.items(), key=lambda pair: -pair[1]))


def _codes(series: pl.Series, column: Column) -> np.ndarray:
    """Cells int64 [rows], without gaps."""
    if column.kind == "category":
        top = {value: place for place, (value, _) in enumerate(column.top)}
        coded = as_texts(series).replace_strict(top, default=len(top), return_dtype=pl.Int64).fill_null(len(top) + 1)
        return _dense(coded.to_numpy())
    values = as_numbers(series)
    present = values[np.isfinite(values)]
    cuts = np.unique(np.quantile(present, np.linspace(0, 1, _CELLS + 1)[1:-1])) if len(present) else np.array([])
    cells = np.searchsorted(cuts, values, side="left")
    return _dense(np.where(np.isnan(values), _CELLS + 1, cells))


def _dense(codes: np.ndarray) -> np.ndarray:
    return np.unique(codes, return_inverse=True)[1]


def _cramers_v(one: np.ndarray, other: np.ndarray) -> float:
    height, width, rows = int(one.max()) + 1, int(other.max()) + 1, len(one)
    if min(height, width) < 2 or rows < 2:
        return 0.0
    table = np.bincount(one * width + other, minlength=height * width).reshape(height, width)
    expected = np.outer(table.sum(1), table.sum(0)) / rows
    phi = float(((table - expected) ** 2 / expected).sum()) / rows
    chance = (height - 1) * (width - 1) / (rows - 1)
    tall, wide = height - (height - 1) ** 2 / (rows - 1), width - (width - 1) ** 2 / (rows - 1)
    bound = min(tall, wide) - 1
    return float(np.sqrt(min(max(phi - chance, 0.0) / bound, 1.0))) if bound > 0 else 0.0
