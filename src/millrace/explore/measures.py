"""The measure that the field uses for two columns, by what they hold: numbers, categories, or one of each."""

from __future__ import annotations

import numpy as np
import polars as pl

from millrace.explore.columns import Column, as_numbers, as_texts


def measure(frame: pl.DataFrame, one: Column, other: Column, closeness: float) -> tuple[str, float]:
    """The name of the measure and its value.

    Two numbers or dates: Spearman's rank correlation, from -1 to 1. A number and a category: the correlation ratio η
    (Fisher 1925), from 0 to 1. Two categories: Cramér's V, which is `closeness`. NaN where too few rows have both.

    Examples
    --------
    >>> from millrace.explore.columns import summarise
    >>> frame = pl.DataFrame({"a": [float(i) for i in range(60)], "b": [-float(i) ** 3 for i in range(60)]})
    >>> a, b = summarise(frame)
    >>> measure(frame, a, b, 1.0)[0], round(measure(frame, a, b, 1.0)[1], 9)
    ('Spearman', -1.0)
    """
    ordered = [column for column in (one, other) if column.kind in ("number", "date")]
    if len(ordered) == 2:
        return "Spearman", _spearman(as_numbers(frame[one.name]), as_numbers(frame[other.name]))
    if len(ordered) == 1:
        (numbers,) = ordered
        groups = other if numbers is one else one
        return "η", _ratio(as_numbers(frame[numbers.name]), as_texts(frame[groups.name]))
    return "Cramér's V", closeness


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    both = pl.DataFrame({"a": one, "b": other}).filter(pl.col("a").is_finite() & pl.col("b").is_finite())
    if both.height < 3:
        return float("nan")
    value = both.select(pl.corr(pl.col("a").rank(), pl.col("b").rank())).item()
    return float("nan") if value is None else float(value)


def _ratio(values: np.ndarray, groups: pl.Series) -> float:
    rows = pl.DataFrame({"v": values, "g": groups}).filter(pl.col("v").is_finite() & pl.col("g").is_not_null())
    if rows.height < 3:
        return float("nan")
    all_values = rows["v"].to_numpy()
    middle = all_values.mean()
    between = rows.group_by("g").agg(pl.len().alias("n"), pl.col("v").mean().alias("m"))
    inside = float((between["n"].to_numpy() * (between["m"].to_numpy() - middle) ** 2).sum())
    total = float(((all_values - middle) ** 2).sum())
    return float(np.sqrt(min(inside / total, 1.0))) if total else float("nan")
