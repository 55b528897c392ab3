"""Frames that mean trouble: columns of every kind with blanks, infinities, far numbers and strange texts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

#: Texts that are easily taken for one another, for nothing, or for something else.
STRANGE = ("", " ", "é", "e\u0301", "NaN", "null", "0", "1.0", "東京", "İ", "ß", "🚲", "a\u200bb", "true", "  x ")
WORDS = ("oil", "rises", "Straße", "straße", "東京", "über", "the", "cup", "FINAL", "naïve", "1.5", "e\u0301t", "🚲")
_FAR = (0.0, -0.0, 1e-308, -1e-35, 1e-35, 3.4e38, 3.5e38, -3.5e38, 1e300, -1e300, np.inf, -np.inf)

#: The least and the largest of what is drawn, as whole numbers.
_ENDS: dict[type[pl.DataType], tuple[int, int]] = {
    pl.Boolean: (0, 2),
    pl.UInt8: (0, 256),
    pl.Date: (-700_000, 2_900_000),
    pl.Int64: (-(2**62), 2**62),
}

Random = np.random.Generator


def _blank(values: list[object], share: float, random: Random) -> list[object]:
    return [None if gone else value for value, gone in zip(values, random.random(len(values)) < share, strict=True)]


def _normal(random: Random, rows: int) -> np.ndarray:
    return random.normal(random.choice([0.0, 50.0, 1e6]), random.choice([1.0, 12.0, 1e4]), rows)


def _skewed(random: Random, rows: int) -> np.ndarray:
    return np.exp(random.normal(0, random.choice([1.0, 4.0]), rows)) * random.choice([-1.0, 1.0])


def _far(random: Random, rows: int) -> np.ndarray:
    return np.where(random.random(rows) < 0.3, random.choice(_FAR, rows), random.normal(size=rows))


def _few(random: Random, rows: int) -> np.ndarray:
    return random.choice([0.0, 1.0, -7.5], rows, p=[0.9, 0.08, 0.02])


def _tiny(random: Random, rows: int) -> np.ndarray:
    return random.normal(size=rows) * 1e-30


def _numbers(draw: Callable[[Random, int], np.ndarray], dtype: type[pl.DataType]) -> Callable[[Random, int], pl.Series]:
    def make(random: Random, rows: int) -> pl.Series:
        values = draw(random, rows)
        values = np.where(random.random(rows) < 0.05, np.nan, values)
        with np.errstate(over="ignore"):
            some = pl.Series(values).cast(dtype)
        return pl.select(pl.when(pl.Series(random.random(rows) < 0.1)).then(None).otherwise(some)).to_series()

    return make


def _whole(low: int, high: int, dtype: type[pl.DataType]) -> Callable[[Random, int], pl.Series]:
    def make(random: Random, rows: int) -> pl.Series:
        values = [int(value) for value in random.integers(low, high, rows)]
        return pl.Series(_blank(values, 0.1, random), dtype=pl.Int64).cast(dtype)

    return make


def _texts(known: tuple[str, ...], rows: int, random: Random) -> pl.Series:
    return pl.Series(_blank([known[i] for i in random.integers(0, len(known), rows)], 0.1, random), dtype=pl.String)


def _category(random: Random, rows: int) -> pl.Series:
    known = ("gold", "Basic", "basic", *random.choice(STRANGE, 3))
    return _texts(tuple(known[: random.integers(2, 7)]), rows, random)


def _categories(random: Random, rows: int) -> pl.Series:
    return _texts((*STRANGE, *(f"{place}" for place in range(40))), rows, random)


def _sentences(random: Random, rows: int) -> pl.Series:
    found = [" ".join(random.choice(WORDS, random.integers(4, 12))) for _ in range(rows)]
    return pl.Series(_blank([*found], 0.1, random), dtype=pl.String)


#: By name how a column is drawn: from a generator and a number of rows, a series with blanks.
KINDS: dict[str, Callable[[Random, int], pl.Series]] = {
    "normal": _numbers(_normal, pl.Float64),
    "skewed": _numbers(_skewed, pl.Float64),
    "far": _numbers(_far, pl.Float64),
    "few": _numbers(_few, pl.Float64),
    "tiny": _numbers(_tiny, pl.Float64),
    "float32": _numbers(_normal, pl.Float32),
    "count": _whole(0, 5, pl.UInt8),
    "integer": _whole(-(2**62), 2**62, pl.Int64),
    "boolean": _whole(0, 2, pl.Boolean),
    "date": _whole(-20_000, 40_000, pl.Date),
    "near date": _whole(19_000, 19_900, pl.Date),
    "datetime": _whole(-(10**16), 10**16, pl.Datetime),
    "category": _category,
    "categories": _categories,
    "sentences": _sentences,
}


def frame(kinds: tuple[str, ...], seed: int, rows: int) -> pl.DataFrame:
    """A column of each kind, named after it and its place."""
    random = np.random.default_rng(seed)
    return pl.DataFrame({f"{kind} {place}": KINDS[kind](random, rows) for place, kind in enumerate(kinds)})


def others(known: pl.DataFrame, seed: int, rows: int) -> pl.DataFrame:
    """Rows of the same columns that are unlike those `known`: far numbers, unseen texts, and much that is missing."""
    random = np.random.default_rng(seed)
    return pl.DataFrame([_other(known[name], random, rows) for name in known.columns])


def _other(seen: pl.Series, random: Random, rows: int) -> pl.Series:
    kept = seen.gather(random.integers(0, len(seen), rows))
    swapped = pl.Series(random.random(rows) < 0.6)
    return kept.zip_with(swapped, _strange(seen.dtype, random, rows).alias(seen.name))


def _strange(dtype: pl.DataType, random: Random, rows: int) -> pl.Series:
    if dtype.is_float():
        exponents, pick = random.uniform(-40, 40, rows), random.integers(0, 3, rows)
        values = np.choose(pick, [random.choice([*_FAR, np.nan], rows), 10**exponents, random.normal(size=rows)])
        with np.errstate(over="ignore"):
            made = pl.Series(values.astype(np.float32 if dtype == pl.Float32 else np.float64))
    elif dtype == pl.String:
        made = pl.Series([_strange_text(random) for _ in range(rows)])
    else:
        ends = _ENDS.get(type(dtype), _ENDS[pl.Int64])
        made = pl.Series(random.integers(*ends, rows), dtype=pl.Int64).cast(dtype)
    return pl.select(pl.when(pl.Series(random.random(rows) < 0.3)).then(None).otherwise(made)).to_series()


def _strange_text(random: Random) -> str:
    size = int(random.integers(0, 12))
    return str(random.choice(STRANGE)) if size < 6 else " ".join(random.choice([*WORDS, *STRANGE], size))
